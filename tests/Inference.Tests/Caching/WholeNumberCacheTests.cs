using Deepseek.Inference.Caching;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Caching;

/// <summary>Caches of whole numbers, with a scale for a row's latent and one for its rotated key.</summary>
public sealed class WholeNumberCacheTests
{
    private const int Latent = 70;
    private const int Rope = 6;
    private const int Width = Latent + Rope;

    /// <summary>Half a step of 1 / 32,767 of the part's largest magnitude, and the rounding of the scale.</summary>
    private const double HalfStep = 0.5001 / 32_767;

    [Fact]
    public void Append_ThenRead_IsWithinHalfAStepOfEachPart()
    {
        using var scope = NewDisposeScope();
        using var cache = Cache();
        var values = Values(5, seed: 1);
        for (var t = 0; t < 5; t++)
            values.AsSpan((t * Width) + Latent, Rope).Fill(1000 + t); // a scale in common would leave little of the latents

        Add(cache, values);

        var read = Read(cache, 0, 5);
        for (var t = 0; t < 5; t++)
        {
            AssertClose(values.AsSpan(t * Width, Latent), read.AsSpan(t * Width, Latent));
            AssertClose(values.AsSpan((t * Width) + Latent, Rope), read.AsSpan((t * Width) + Latent, Rope));
        }
    }

    [Fact]
    public void Append_Zeros_AreReadAsZeros()
    {
        using var scope = NewDisposeScope();
        using var cache = Cache();

        Add(cache, new float[2 * Width]);

        Assert.All(Read(cache, 0, 2), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Append_PartOfALargerTensor_TakesItsOwnRows()
    {
        using var scope = NewDisposeScope();
        using var first = Cache();
        using var second = Cache();
        using var expected = Cache();
        var values = Values(5, seed: 2);
        var rows = tensor(values, [5, Width]);

        first.Append(0, rows.narrow(0, 0, 2));
        second.Append(0, rows.narrow(0, 2, 3));
        second.Advance([1, 2, 3]);
        Add(expected, values[(2 * Width)..]);

        Assert.Equal(Read(expected, 0, 3), Read(second, 0, 3));
    }

    [Fact]
    public void Append_TransposedTensor_TakesItsRows()
    {
        using var scope = NewDisposeScope();
        using var cache = Cache();
        using var expected = Cache();
        var values = Values(3, seed: 3);

        cache.Append(0, tensor(values, [3, Width]).t().contiguous().t());
        cache.Advance([1, 2, 3]);
        Add(expected, values);

        Assert.Equal(Read(expected, 0, 3), Read(cache, 0, 3));
    }

    [Fact]
    public unsafe void Write_RowByRow_StoresWhatAppendDoes()
    {
        using var scope = NewDisposeScope();
        using var appended = Cache();
        using var written = Cache();
        var values = Values(4, seed: 4);

        Add(appended, values);
        written.Reserve(0, 4);
        fixed (float* row = values)
        {
            foreach (var t in new[] { 2, 0, 3, 1 })
                written.Write(KernelPaths.Selected, 0, t, row + (t * Width));
        }

        written.Advance([0, 1, 2, 3]);
        Assert.Equal(Read(appended, 0, 4), Read(written, 0, 4));
    }

    [Fact]
    public void Append_AcrossSeveralGrowths_KeepsRowsAndScales()
    {
        using var scope = NewDisposeScope();
        using var cache = Cache(maxLength: 700);
        using var atOnce = Cache(maxLength: 700);
        var values = Values(700, seed: 5);

        for (var (t, step) = (0, 1); t < 700; t += step, step = Math.Min((step * 7 % 50) + 1, 700 - t))
            Add(cache, values[(t * Width)..((t + step) * Width)]);
        Add(atOnce, values);

        Assert.Equal(700, cache.Length);
        Assert.Equal(Read(atOnce, 0, 700), Read(cache, 0, 700));
        Assert.Equal(Read(atOnce, 300, 7), Read(cache, 300, 7));
        Assert.Equal(700L * ((2 * Width) + (2 * sizeof(float))), cache.ByteSize);
    }

    [Fact]
    public void Truncate_ThenAppend_ReplacesRowsAndScales()
    {
        using var scope = NewDisposeScope();
        using var cache = Cache();
        using var expected = Cache();
        var (values, others) = (Values(4, seed: 6), Array.ConvertAll(Values(4, seed: 7), value => 100 * value));

        Add(cache, values);
        cache.Truncate(1);
        Add(cache, others);
        Add(expected, [.. values[..Width], .. others]);

        Assert.Equal(Read(expected, 0, 5), Read(cache, 0, 5));
    }

    [Fact]
    public void Copy_Continued_DoesNotTouchTheOriginal()
    {
        using var scope = NewDisposeScope();
        using var cache = Cache(layers: 2);
        var values = Values(3, seed: 8);
        Add(cache, values);
        var before = Read(cache, 0, 3);

        using var copy = cache.Copy();
        copy.Truncate(1);
        Add(copy, Array.ConvertAll(values, value => -5 * value));

        Assert.Equal(before, Read(cache, 0, 3));
        Assert.Equal(before[..Width], Read(copy, 0, 1));
        Assert.Equal(4, copy.Length);
        Assert.Equal(CachePrecision.Int16, copy.Options.Precision);
        AssertClose(Array.ConvertAll(values, value => -5 * value).AsSpan(0, Latent), Read(copy, 1, 1).AsSpan(0, Latent));
    }

    private static LatentCache Cache(int maxLength = 1 << 20, int layers = 1) =>
        Passes.Cache(Latent, Rope, maxLength, new CacheOptions { Precision = CachePrecision.Int16 }, layers);

    private static float[] Values(int rows, int seed) => Passes.NormalValues(new Random(seed), rows * Width);

    private static void Add(SequenceCache cache, float[] values)
    {
        using var rows = tensor(values, [values.Length / Width, Width]);
        for (var layer = 0; layer < cache.LayerCount; layer++)
            cache.Append(layer, rows);
        cache.Advance(new int[values.Length / Width]);
    }

    private static float[] Read(SequenceCache cache, int first, int count)
    {
        using var rows = cache.Read(0, first, count);
        return rows.ToArray<float>();
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        var largest = 0f;
        foreach (var value in expected)
            largest = Math.Max(largest, Math.Abs(value));
        for (var i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i], expected[i] - (HalfStep * largest), expected[i] + (HalfStep * largest));
    }
}
