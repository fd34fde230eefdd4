namespace Deepseek.Inference.Kernels;

/// <summary>Lines of some tiles, which come next. They are asked for a few at a time: a core waits where it has asked for more than some twenty.</summary>
/// <param name="first">The first tile's.</param>
/// <param name="tileBytes">Bytes that each tile has of them, one after the other.</param>
/// <param name="stride">Bytes from one tile's to the next one's.</param>
/// <param name="tiles">Tiles.</param>
internal unsafe struct LinesAhead(byte* first, int tileBytes, int stride, int tiles)
{
    // As many tokens meet a block at least.
    private const int Steps = 4;

    private readonly int _some = (tiles * tileBytes) / Steps;
    private byte* _tile = first;
    private int _within;
    private int _left = tiles;

    /// <summary>Asks for a quarter of them.</summary>
    public void Ask()
    {
        for (var asked = 0; asked < _some && _left > 0; asked += BandLayout.LineBytes)
        {
            BandProduct.Prefetch(_tile, _within, _within + BandLayout.LineBytes);
            _within += BandLayout.LineBytes;
            if (_within < tileBytes)
                continue;
            _tile += stride;
            _within = 0;
            _left--;
        }
    }
}
