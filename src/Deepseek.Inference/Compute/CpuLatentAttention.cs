using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Compute;

/// <summary>Latent attention in its absorbed form: W_UK carries queries into the latent space, the cache is read as it lies, W_UV brings back what was seen.</summary>
/// <remarks>Axes: N rows, T rows of one sequence, H heads, C latent, P nope, R rope, V value.</remarks>
internal sealed unsafe class CpuLatentAttention : IDisposable
{
    // Query rows that pass at once take so many bytes at most, unless one token's are more.
    private const long QueryBytes = 64 << 20;

    // Tokens that meet a head's weights at once.
    private const int TokenBlock = 64;

    private readonly CpuEngine _engine;
    private readonly CpuRowProducts _up;
    private readonly CacheAttention _attention = new();
    private readonly CpuBuffer _queries = new();
    private readonly CpuBuffer _latents = new();
    private readonly Action<int, int> _prepare;
    private readonly Action<int, int> _absorb;
    private readonly Action<int, int> _expand;
    private LatentShape _shape;
    private LatentRows _rows;
    private CpuSegments _segments = null!;
    private int _layer;
    private int _first; // of the rows that pass at once
    private int _count;
    private float* _carried; // queries in the latent space, [T, H, C+R]
    private float* _seen; // weighted latents, [T, H, C]

    public CpuLatentAttention(CpuEngine engine)
    {
        _engine = engine;
        _up = new CpuRowProducts(engine);
        (_prepare, _absorb, _expand) = (PrepareRow, Absorb, Expand);
    }

    /// <summary>Appends the rows to their caches, and lets them look back.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="rows">The rows; queries and compressed rows are changed.</param>
    /// <param name="up"><c>kv_b_proj</c>: for every head P rows of W_UK, then V rows of W_UV; [H·(P+V), C].</param>
    /// <param name="segments">The sequences.</param>
    /// <param name="layer">The layer's place in the caches.</param>
    public void Run(LatentShape shape, LatentRows rows, WeightMatrix up, CpuSegments segments, int layer)
    {
        (_shape, _rows, _segments, _layer) = (shape, rows, segments, layer);
        _up.Use(up, Math.Max(shape.NopeWidth, shape.ValueWidth));
        foreach (var segment in segments.List)
            segment.Cache.Reserve(layer, segment.Count);
        _engine.Each(segments.Tokens, _prepare);

        var width = shape.LatentWidth + shape.RopeWidth;
        var most = (int)Math.Clamp(QueryBytes / (sizeof(float) * (long)shape.Heads * width), 1, int.MaxValue);
        for (var first = 0; first < segments.Tokens; first += most)
            Attend(first, Math.Min(most, segments.Tokens - first), width);

        _engine.Count(up);
    }

    public void Dispose()
    {
        _attention.Dispose();
        _queries.Dispose();
        _latents.Dispose();
    }

    /// <summary>Some of the pass' rows: every head's weights are read once for those of all sequences; each then looks back at its own cache.</summary>
    private void Attend(int first, int count, int width)
    {
        var heads = _shape.Heads;
        (_first, _count) = (first, count);
        _carried = _queries.Reserve((long)count * heads * width);
        _seen = _latents.Reserve((long)count * heads * _shape.LatentWidth);
        var items = heads * ((count + TokenBlock - 1) / TokenBlock);
        _engine.Each(items, _absorb);
        _attention.Begin();
        foreach (var segment in _segments.List)
        {
            var (from, end) = (Math.Max(first, segment.First), Math.Min(first + count, segment.First + segment.Count));
            if (from >= end)
                continue;
            _attention.Add(
                AttentionShape.Latent(heads, _shape.LatentWidth, _shape.RopeWidth), segment.Cache.Rows(_layer), segment.Cache.Length + from - segment.First, end - from,
                _carried + ((from - first) * (long)heads * width), (long)heads * width, _shape.Scale, segment.Cache.Visible,
                _seen + ((from - first) * (long)heads * _shape.LatentWidth), (long)heads * _shape.LatentWidth);
        }

        _attention.Run(_engine.Team);
        _engine.Each(items, _expand);
    }

    /// <summary>Norms the latent, turns the rope parts, and stores the row.</summary>
    private void PrepareRow(int row, int worker)
    {
        var (path, segment) = (_engine.Path, _segments.Of(row));
        var (cosine, sine) = ((nint)_segments.Cosine(row), (nint)_segments.Sine(row));
        var compressed = _rows.Compressed + (row * (long)(_shape.LatentWidth + _shape.RopeWidth));
        VectorMath.RmsNorm(path, compressed, (float*)_rows.LatentNorm.Address(), _rows.Epsilon, compressed, _shape.LatentWidth);
        var rope = compressed + _shape.LatentWidth;
        VectorMath.TurnInterleaved(path, rope, (float*)cosine, (float*)sine, rope, _shape.RopeWidth / 2);
        segment.Cache.Write(path, _layer, segment.Cache.Length + row - segment.First, compressed);

        var size = _shape.NopeWidth + _shape.RopeWidth;
        for (var head = 0; head < _shape.Heads; head++)
        {
            var query = _rows.Queries + (((row * (long)_shape.Heads) + head) * size) + _shape.NopeWidth;
            VectorMath.TurnInterleaved(path, query, (float*)cosine, (float*)sine, query, _shape.RopeWidth / 2);
        }
    }

    /// <summary>q W_UK of one head and some tokens, and the rope part beside it.</summary>
    private void Absorb(int item, int worker)
    {
        var (block, head) = Math.DivRem(item, _shape.Heads);
        var (first, count) = (block * TokenBlock, Math.Min(TokenBlock, _count - (block * TokenBlock)));
        var (nope, latent, width) = (_shape.NopeWidth, _shape.LatentWidth, _shape.LatentWidth + _shape.RopeWidth);
        var stride = (long)_shape.Heads * (nope + _shape.RopeWidth);
        var query = _rows.Queries + ((_first + first) * stride) + (head * (long)(nope + _shape.RopeWidth));
        var carried = _carried + (((first * (long)_shape.Heads) + head) * width);
        _up.MultiplyTransposed(FirstRowOf(head), nope, query, stride, count, carried, (long)_shape.Heads * width, worker);
        for (var i = 0; i < count; i++)
            new ReadOnlySpan<float>(query + (i * stride) + nope, _shape.RopeWidth).CopyTo(new Span<float>(carried + (i * (long)_shape.Heads * width) + latent, _shape.RopeWidth));
    }

    /// <summary>W_UV of one head and some tokens.</summary>
    private void Expand(int item, int worker)
    {
        var (block, head) = Math.DivRem(item, _shape.Heads);
        var (first, count) = (block * TokenBlock, Math.Min(TokenBlock, _count - (block * TokenBlock)));
        var (value, latent) = (_shape.ValueWidth, _shape.LatentWidth);
        var seen = _seen + (((first * (long)_shape.Heads) + head) * latent);
        var output = _rows.Output + (((_first + first) * (long)_shape.Heads) + head) * value;
        _up.Multiply(FirstRowOf(head) + _shape.NopeWidth, value, seen, (long)_shape.Heads * latent, count, output, (long)_shape.Heads * value, worker);
    }

    /// <summary>The first row of a head's W_UK; W_UV follows.</summary>
    private long FirstRowOf(int head) => (long)head * (_shape.NopeWidth + _shape.ValueWidth);
}

/// <summary>The sizes of latent attention.</summary>
/// <param name="Heads">H.</param>
/// <param name="LatentWidth">C.</param>
/// <param name="NopeWidth">P.</param>
/// <param name="RopeWidth">R.</param>
/// <param name="ValueWidth">V.</param>
/// <param name="Scale">Factor of the scores.</param>
internal readonly record struct LatentShape(int Heads, int LatentWidth, int NopeWidth, int RopeWidth, int ValueWidth, float Scale);

/// <summary>The rows of a pass in latent attention.</summary>
/// <param name="queries">[N, H, P+R].</param>
/// <param name="compressed">What <c>kv_a_proj_with_mqa</c> gave, [N, C+R].</param>
/// <param name="latentNorm">The gain of the latents' norm, [C], fp32.</param>
/// <param name="epsilon">Of the norm.</param>
/// <param name="output">Receives [N, H·V].</param>
internal readonly unsafe struct LatentRows(float* queries, float* compressed, Tensor latentNorm, double epsilon, float* output)
{
    public readonly float* Queries = queries;
    public readonly float* Compressed = compressed;
    public readonly Tensor LatentNorm = latentNorm;
    public readonly double Epsilon = epsilon;
    public readonly float* Output = output;
}
