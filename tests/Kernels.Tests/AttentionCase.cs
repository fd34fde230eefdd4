using System.Runtime.InteropServices;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>A cache and queries, with the values that they stand for, and attention over them.</summary>
internal sealed unsafe class AttentionCase
{
    private readonly byte[] _rows; // [positions, stride]
    private readonly float[] _scales = []; // [positions, 2]
    private readonly long _stride;

    public AttentionCase(CacheFormat format, AttentionShape shape, int firstPosition, int tokens, int seed)
    {
        (Format, Shape, FirstPosition, Tokens) = (format, shape, firstPosition, tokens);
        var random = new Random(seed);
        var positions = firstPosition + tokens;
        _stride = shape.RowWidth + (seed % 2 * 3); // beyond a row there may be more
        Values = new float[positions * shape.RowWidth];
        _rows = new byte[positions * _stride * (format == CacheFormat.Fp32 ? 4 : 2)];
        _rows.AsSpan().Fill(0xFF); // NaN in all float formats
        if (format == CacheFormat.Int16)
            _scales = new float[2 * positions];
        for (var p = 0; p < positions; p++)
            Write(p, BandData.Normal(random, shape.RowWidth));
        Queries = BandData.Normal(random, tokens * shape.Heads * shape.KeyWidth);
        Scale = 1.3f / MathF.Sqrt(shape.KeyWidth);
    }

    public CacheFormat Format { get; }

    public AttentionShape Shape { get; }

    public int FirstPosition { get; }

    public int Tokens { get; }

    public float Scale { get; set; }

    public AttentionWindow Window { get; set; } = AttentionWindow.None;

    /// <summary>[T, H, key width].</summary>
    public float[] Queries { get; }

    /// <summary>What was written to the cache, before it was rounded, [positions, row width].</summary>
    public float[] Values { get; }

    public static int[] Bits(ReadOnlySpan<float> values) => [.. values.ToArray().Select(value => float.IsNaN(value) ? -1 : BitConverter.SingleToInt32Bits(value))];

    /// <summary>Writes a position's row.</summary>
    public void Write(int position, float[] row)
    {
        row.CopyTo(Values.AsSpan(position * row.Length));
        var start = (int)(position * _stride);
        var words = MemoryMarshal.Cast<byte, ushort>(_rows.AsSpan());
        switch (Format)
        {
            case CacheFormat.Fp32:
                row.CopyTo(MemoryMarshal.Cast<byte, float>(_rows.AsSpan())[start..]);
                break;
            case CacheFormat.BF16:
                Narrow.ToBFloat16(KernelPath.Scalar, row, words.Slice(start, row.Length));
                break;
            case CacheFormat.F16:
                Narrow.ToHalf(KernelPath.Scalar, row, words.Slice(start, row.Length));
                break;
            default:
                var codes = MemoryMarshal.Cast<byte, short>(_rows.AsSpan()).Slice(start, row.Length);
                var latent = Shape.ValueWidth;
                _scales[2 * position] = CacheCodes.Round(KernelPath.Scalar, row.AsSpan(0, latent), codes[..latent]);
                _scales[(2 * position) + 1] = CacheCodes.Round(KernelPath.Scalar, row.AsSpan(latent), codes[latent..]);
                break;
        }
    }

    /// <summary>All outputs, [T, H, value width], of tokens computed so many at once.</summary>
    public float[] Run(KernelPath path, int threads = 1, params int[] chunks)
    {
        using var team = new ThreadTeam(threads);
        using var attention = new CacheAttention(path);
        return Run(attention, team, chunks);
    }

    public float[] Run(CacheAttention attention, ThreadTeam team, params int[] chunks)
    {
        fixed (byte* rows = _rows)
            return RunOver(rows, attention, team, chunks);
    }

    /// <summary>All outputs, over a cache behind whose last row reading ends the process.</summary>
    public float[] RunBeforeAProtectedPage(KernelPath path, int threads)
    {
        using var team = new ThreadTeam(threads);
        using var attention = new CacheAttention(path);
        using var memory = new ProtectedMemory(_rows);
        return RunOver(memory.Start, attention, team, []);
    }

    /// <summary>All outputs of each case, of sequences computed together.</summary>
    public static float[][] RunTogether(AttentionCase[] cases, CacheAttention attention, ThreadTeam team)
    {
        var outputs = cases.Select(one => new float[one.Tokens * one.Shape.Heads * one.Shape.ValueWidth]).ToArray();
        Add(0);
        return outputs;

        // What is added stays where it is until it has been computed.
        void Add(int index)
        {
            if (index == cases.Length)
            {
                attention.Run(team);
                return;
            }

            var one = cases[index];
            fixed (byte* rows = one._rows)
            {
                fixed (float* scales = one._scales, q = one.Queries, o = outputs[index])
                {
                    attention.Add(
                        one.Shape, new CachedRows(one.Format, rows, one._stride, scales), one.FirstPosition, one.Tokens, q, one.Shape.Heads * one.Shape.KeyWidth, one.Scale, one.Window, o, one.Shape.Heads * one.Shape.ValueWidth);
                    Add(index + 1);
                }
            }
        }
    }

    /// <summary>Adds all tokens, but computes nothing.</summary>
    public void Add(CacheAttention attention, float[] output, int? firstPosition = null)
    {
        fixed (byte* rows = _rows)
        {
            fixed (float* scales = _scales, q = Queries, o = output)
                attention.Add(Shape, new CachedRows(Format, rows, _stride, scales), firstPosition ?? FirstPosition, Tokens, q, Shape.Heads * Shape.KeyWidth, Scale, Window, o, Shape.Heads * Shape.ValueWidth);
        }
    }

    /// <summary>Bytes that one run of all tokens, so many times, allocates in the caller's thread.</summary>
    public long AllocatedByRun(CacheAttention attention, ThreadTeam team, int times = 1)
    {
        var output = new float[Tokens * Shape.Heads * Shape.ValueWidth];
        fixed (byte* rows = _rows)
        {
            fixed (float* scales = _scales, q = Queries, o = output)
            {
                var cache = new CachedRows(Format, rows, _stride, scales);
                var (queries, to) = ((nint)q, (nint)o);
                return Allocations.LeastOf(() =>
                {
                    for (var i = 0; i < times; i++)
                        attention.Add(Shape, cache, FirstPosition, Tokens, (float*)queries, Shape.Heads * Shape.KeyWidth, Scale, Window, (float*)to, Shape.Heads * Shape.ValueWidth);
                    attention.Run(team);
                });
            }
        }
    }

    /// <summary>The same in double precision, from what was written before it was rounded.</summary>
    public double[] Expected()
    {
        var expected = new List<double>();
        for (var t = 0; t < Tokens; t++)
        {
            for (var head = 0; head < Shape.Heads; head++)
                expected.AddRange(Expected(t, head));
        }

        return [.. expected];
    }

    private float[] RunOver(byte* rows, CacheAttention attention, ThreadTeam team, int[] chunks)
    {
        const int Beyond = 5; // elements between tokens
        var (queryStride, outputStride) = ((Shape.Heads * Shape.KeyWidth) + Beyond, (Shape.Heads * Shape.ValueWidth) + Beyond);
        var queries = new float[Tokens * queryStride];
        for (var t = 0; t < Tokens; t++)
            Queries.AsSpan(t * Shape.Heads * Shape.KeyWidth, Shape.Heads * Shape.KeyWidth).CopyTo(queries.AsSpan(t * queryStride));
        var output = new float[Tokens * outputStride];
        Array.Fill(output, -7);
        fixed (float* scales = _scales, q = queries, o = output)
        {
            var cache = new CachedRows(Format, rows, _stride, scales);
            for (int first = 0, i = 0; first < Tokens; i++)
            {
                var count = chunks.Length == 0 ? Tokens : Math.Min(chunks[i % chunks.Length], Tokens - first);
                attention.Add(Shape, cache, FirstPosition + first, count, q + (first * queryStride), queryStride, Scale, Window, o + (first * outputStride), outputStride);
                attention.Run(team);
                first += count;
            }
        }

        var width = outputStride - Beyond;
        Assert.All(Enumerable.Range(0, Tokens), token => Assert.Equal([-7f, -7f, -7f, -7f, -7f], output.AsSpan((token * outputStride) + width, Beyond).ToArray()));
        return [.. Enumerable.Range(0, Tokens).SelectMany(token => output.AsSpan(token * outputStride, width).ToArray())];
    }

    private double[] Expected(int token, int head)
    {
        var (group, i) = (head / Shape.HeadsPerGroup, FirstPosition + token);
        var query = Queries.AsSpan(((token * Shape.Heads) + head) * Shape.KeyWidth, Shape.KeyWidth).ToArray();
        var seen = Enumerable.Range(0, i + 1).Where(j => i - j < Window.Recent || j < Window.Sink).ToArray();
        var scores = seen.Select(j => query.Select((q, e) => (double)q * Values[(j * Shape.RowWidth) + Shape.KeyOffset + (group * Shape.KeyWidth) + e]).Sum() * Scale).ToArray();
        var weights = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
        return [.. Enumerable.Range(0, Shape.ValueWidth).Select(e =>
            seen.Zip(weights).Sum(pair => pair.Second * Values[(pair.First * Shape.RowWidth) + Shape.ValueOffset + (group * Shape.ValueWidth) + e]) / weights.Sum())];
    }
}
