namespace Deepseek.Inference.Kernels;

/// <summary>A line each of some tiles, which come next. They are asked for a few at a time: a core waits where it has asked for more than some twenty.</summary>
/// <param name="first">The first tile's four lines.</param>
/// <param name="stride">Bytes from one tile to the next.</param>
/// <param name="tiles">Tiles.</param>
internal unsafe struct TilesAhead(byte* first, int stride, int tiles)
{
    // As many tokens meet a block at least.
    private const int Steps = 4;

    private readonly int _some = (tiles + Steps - 1) / Steps;
    private byte* _tile = first;
    private int _left = tiles;

    /// <summary>Asks for a quarter of them.</summary>
    public void Ask()
    {
        for (var i = 0; i < _some && _left > 0; i++, _left--, _tile += stride)
            BandProduct.Prefetch(_tile, 0, BandLayout.TileRows * BandLayout.LineBytes);
    }
}
