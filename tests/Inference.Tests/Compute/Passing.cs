using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Tests.Compute;

/// <summary>Ways in which the same tokens can pass a model.</summary>
internal static class Passing
{
    /// <summary>What a cache may be: precisions, and beside them a window that leaves out most of a long text.</summary>
    public static IEnumerable<CacheOptions> Caches(string model) =>
        from precision in new CachePrecision[] { CachePrecision.Float32, CachePrecision.BFloat16, CachePrecision.Float16, CachePrecision.Int16 }
        where precision != CachePrecision.Int16 || SmallStores.IsLatent(model)
        from window in new AttentionWindow?[] { null, new(5, 2) }
        select new CacheOptions { Precision = precision, Window = window };

    /// <summary>The logits of every token, the text cut before some of them.</summary>
    public static float[] Cut(LanguageModel model, int[] ids, CacheOptions? options, params int[] cuts)
    {
        using var cache = model.CreateCache(options);
        return Cut(model, cache, ids, cuts);
    }

    /// <summary>The same over a cache of the caller's.</summary>
    public static float[] Cut(LanguageModel model, SequenceCache cache, int[] ids, params int[] cuts)
    {
        List<float> rows = [];
        int[] ends = [.. cuts, ids.Length];
        var first = 0;
        foreach (var end in ends)
        {
            if (end == first)
                continue;
            using var logits = model.Forward(ids.AsMemory(first, end - first), cache, LogitRows.All);
            rows.AddRange(logits.ToArray<float>());
            first = end;
        }

        Assert.True(rows.TrueForAll(float.IsFinite), "A logit is not finite: equal bits would mean nothing.");
        return [.. rows];
    }

    /// <summary>Every place of a text, so that each token passes alone.</summary>
    public static int[] Everywhere(int tokens) => [.. Enumerable.Range(1, tokens - 1)];

    public static void AssertSame(float[] expected, float[] actual, string how)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
                Assert.Fail(FormattableString.Invariant($"{how}: logit {i} of {expected.Length} is {actual[i]:g9}, and {expected[i]:g9} in the first pass."));
        }
    }
}
