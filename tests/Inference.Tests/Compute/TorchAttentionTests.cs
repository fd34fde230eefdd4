using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Compute;

public sealed class TorchAttentionTests
{
    /// <summary>fp32 sums of a few dozen products against sums in double.</summary>
    private const double Tolerance = 1e-5;

    private const int Heads = 4;

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(1)] // a query at a time
    [InlineData(Heads * 12 * 3)] // runs of three, the last one shorter
    public void Grouped_RunsOfAnyLength_EqualTheOracle(long maxScores)
    {
        using var scope = NewDisposeScope();
        const int Groups = 2, Size = 6, Past = 5, Tokens = 7;
        var random = new Random(1);
        using var cache = new KeyValueCache(new object(), 1, Groups, Size, 100, new CacheOptions(), CPU);
        Append(cache, Passes.Normal(random, Past, 2 * Groups * Size), advance: true);
        Append(cache, Passes.Normal(random, Tokens, 2 * Groups * Size), advance: false);
        var query = Passes.Normal(random, Tokens, Heads, Size);

        var result = TorchAttention.Grouped(query, cache, 0, Groups, 0.3, maxScores);

        var (q, kv) = (Doubles(query), Doubles(cache.Read(0, 0, Past + Tokens)));
        var expected = new List<double>();
        for (var t = 0; t < Tokens; t++)
        {
            for (var h = 0; h < Heads; h++)
            {
                var group = h / (Heads / Groups);
                expected.AddRange(Attend(
                    q.AsSpan(((t * Heads) + h) * Size, Size).ToArray(),
                    [.. Enumerable.Range(0, Past + t + 1).Select(s => kv.AsSpan((s * 2 * Groups * Size) + (group * Size), Size).ToArray())],
                    [.. Enumerable.Range(0, Past + t + 1).Select(s => kv.AsSpan((((s * 2) + 1) * Groups * Size) + (group * Size), Size).ToArray())],
                    0.3));
            }
        }

        Assert.Equal([Tokens, Heads * Size], result.shape);
        Assert.InRange(Passes.RelativeDifference([.. expected], result), 0, Tolerance);
    }

    [Theory]
    [InlineData(AttentionForm.Absorbed, long.MaxValue)]
    [InlineData(AttentionForm.Absorbed, Heads * 9 * 2)]
    [InlineData(AttentionForm.Naive, long.MaxValue)]
    [InlineData(AttentionForm.Naive, 1)]
    public void Latent_EitherForm_EqualsTheOracle(AttentionForm form, long maxScores)
    {
        using var scope = NewDisposeScope();
        const int C = 10, R = 4, P = 6, V = 5, Past = 4, Tokens = 5;
        var random = new Random(2);
        var shape = new LatentAttentionConfig(null, C, P, R, V);
        using var cache = new LatentCache(new object(), 1, shape, 100, new CacheOptions(), CPU);
        Append(cache, Passes.Normal(random, Past, C + R), advance: true);
        Append(cache, Passes.Normal(random, Tokens, C + R), advance: false);
        var (nope, rope) = (Passes.Normal(random, Tokens, Heads, P), Passes.Normal(random, Tokens, Heads, R));
        var up = Passes.Matrix(random, Heads * (P + V), C);

        var result = TorchAttention.Latent(form, nope, rope, up, cache, 0, 0.4, maxScores);

        var (n, r, cached) = (Doubles(nope), Doubles(rope), Doubles(cache.Read(0, 0, Past + Tokens)).Chunk(C + R).ToArray());
        var expanded = cached.Select(token => Oracle.Linear(token[..C], up)).ToArray(); // [S, H·(P+V)]
        var expected = new List<double>();
        for (var t = 0; t < Tokens; t++)
        {
            for (var h = 0; h < Heads; h++)
            {
                double[] query = [.. n.AsSpan(((t * Heads) + h) * P, P), .. r.AsSpan(((t * Heads) + h) * R, R)];
                var seen = Enumerable.Range(0, Past + t + 1).ToArray();
                expected.AddRange(Attend(
                    query,
                    [.. seen.Select(s => (double[])[.. expanded[s].AsSpan(h * (P + V), P), .. cached[s].AsSpan(C, R)])],
                    [.. seen.Select(s => expanded[s].AsSpan((h * (P + V)) + P, V).ToArray())],
                    0.4));
            }
        }

        Assert.Equal([Tokens, Heads * V], result.shape);
        Assert.InRange(Passes.RelativeDifference([.. expected], result), 0, Tolerance);
    }

    /// <summary>Soft-max attention of one query.</summary>
    private static double[] Attend(double[] query, double[][] keys, double[][] values, double scale)
    {
        var weights = keys.Select(key => Math.Exp(scale * key.Zip(query, (a, b) => a * b).Sum())).ToArray();
        return [.. Enumerable.Range(0, values[0].Length).Select(i => weights.Zip(values, (w, value) => w * value[i]).Sum() / weights.Sum())];
    }

    private static void Append(SequenceCache cache, Tensor values, bool advance)
    {
        cache.Append(0, values);
        if (advance)
            cache.Advance(new int[values.shape[0]]);
    }

    private static double[] Doubles(Tensor x) => Array.ConvertAll(x.ToArray<float>(), value => (double)value);
}
