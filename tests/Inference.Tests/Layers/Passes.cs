using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>What a layer needs to be called alone.</summary>
internal static class Passes
{
    /// <summary>A pass of layers that look at neither positions nor caches.</summary>
    public static ForwardPass Plain(IForwardObserver? observer = null, CancellationToken cancellationToken = default) =>
        new(new TorchOperations(AttentionForm.Absorbed), [], null!, null!, observer, cancellationToken);

    /// <summary>A pass that only turns vectors, by angles given in radians, [N, d/2].</summary>
    public static ForwardPass Turning(double[] angles, int pairs)
    {
        long[] shape = [angles.Length / pairs, pairs];
        return Plain() with
        {
            Cosine = tensor(Array.ConvertAll(angles, angle => (float)Math.Cos(angle)), shape),
            Sine = tensor(Array.ConvertAll(angles, angle => (float)Math.Sin(angle)), shape),
        };
    }

    /// <summary>An empty latent cache of one layer.</summary>
    public static LatentCache Cache(int latent = 4, int rope = 2, int maxLength = 1 << 20, CacheOptions? options = null, int layers = 1, object? owner = null) =>
        new(owner ?? new object(), layers, new LatentAttentionConfig(null, latent, 1, rope, 1), maxLength, options ?? new CacheOptions(), CPU);

    /// <summary>Normal numbers as an fp32 tensor in memory of libtorch's own: a product's last bits depend on alignment, and a managed array has none.</summary>
    public static Tensor Normal(Random random, params long[] shape)
    {
        using var values = tensor(NormalValues(random, shape.Aggregate(1L, (a, b) => a * b)), shape);
        return values.clone();
    }

    /// <summary>0, 1, 2, … in fp32.</summary>
    public static Tensor Counting(params long[] shape) => tensor([.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(number => (float)number)], shape);

    public static float[] NormalValues(Random random, long count)
    {
        var values = new float[count];
        for (var i = 0L; i < count; i++)
            values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return values;
    }

    public static FloatMatrix Matrix(Random random, long rows, long columns) => new(Normal(random, rows, columns));

    /// <summary>The largest difference, as a share of the largest expected magnitude.</summary>
    public static double RelativeDifference(double[] expected, Tensor actual)
    {
        var values = actual.ToArray<float>();
        Assert.Equal(expected.Length, values.Length);
        return expected.Zip(values, (e, a) => Math.Abs(e - a)).Max() / expected.Max(Math.Abs);
    }
}
