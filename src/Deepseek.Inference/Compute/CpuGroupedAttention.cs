using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Compute;

/// <summary>Grouped-query attention. Axes: N rows, H heads, G key-value heads, d head size.</summary>
internal sealed unsafe class CpuGroupedAttention : IDisposable
{
    private readonly CpuEngine _engine;
    private readonly CacheAttention _attention = new();
    private readonly Action<int, int> _prepare;
    private AttentionShape _shape;
    private float* _queries; // [N, H, d]
    private float* _cached; // [N, 2, G, d]: keys, then values
    private CpuSegments _segments = null!;
    private int _layer;

    public CpuGroupedAttention(CpuEngine engine)
    {
        _engine = engine;
        _prepare = PrepareRow;
    }

    /// <summary>Appends the rows to their caches, and lets them look back.</summary>
    /// <param name="heads">H.</param>
    /// <param name="groups">G.</param>
    /// <param name="size">d.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="queries">[N, H, d]; turned in place.</param>
    /// <param name="cached">Keys, then values, [N, 2, G, d]; keys are turned in place.</param>
    /// <param name="output">Receives [N, H·d].</param>
    /// <param name="segments">The sequences.</param>
    /// <param name="layer">The layer's place in the caches.</param>
    public void Run(int heads, int groups, int size, float scale, float* queries, float* cached, float* output, CpuSegments segments, int layer)
    {
        (_shape, _segments, _layer) = (AttentionShape.Grouped(groups, heads / groups, size), segments, layer);
        _queries = queries;
        _cached = cached;
        foreach (var segment in segments.List)
            segment.Cache.Reserve(layer, segment.Count);
        _engine.Each(segments.Tokens, _prepare);
        _attention.Begin();
        foreach (var segment in segments.List)
        {
            var at = segment.First * (long)heads * size;
            _attention.Add(
                _shape, segment.Cache.Rows(layer), segment.Cache.Length, segment.Count, queries + at, (long)heads * size, scale,
                segment.Cache.Visible, output + at, (long)heads * size);
        }

        _attention.Run(_engine.Team);
    }

    public void Dispose() => _attention.Dispose();

    private void PrepareRow(int row, int worker)
    {
        var (segment, size) = (_segments.Of(row), _shape.KeyWidth);
        var (queries, keys) = ((nint)(_queries + (row * (long)_shape.Heads * size)), (nint)(_cached + (2L * row * _shape.Groups * size)));
        Turn((float*)queries, _shape.Heads, row);
        Turn((float*)keys, _shape.Groups, row);
        segment.Cache.Write(_engine.Path, _layer, segment.Cache.Length + row - segment.First, (float*)keys);
    }

    private void Turn(float* heads, int count, int row)
    {
        var size = _shape.KeyWidth;
        for (var head = 0; head < count; head++)
            VectorMath.TurnHalves(_engine.Path, heads + ((long)head * size), _segments.Cosine(row), _segments.Sine(row), heads + ((long)head * size), size / 2);
    }
}
