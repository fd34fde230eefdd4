using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Configuration;

namespace Deepseek.Inference.Tests.Models;

/// <summary>The small models, and short ways to run them.</summary>
internal static class Fixture
{
    public static string Folder(string name) => ConfigText.Folder(name);

    public static Task<LanguageModel> LoadAsync(string name, ModelOptions? options = null) =>
        LanguageModel.LoadAsync(Folder(name), options, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Tokens of a vocabulary of 256.</summary>
    public static int[] Ids(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(256))];
    }

    public static float[] Logits(LanguageModel model, SequenceCache cache, int[] ids, LogitRows rows = LogitRows.Last)
    {
        using var logits = model.Forward(ids, cache, rows);
        return logits.ToArray<float>();
    }

    public static float[] Logits(LanguageModel model, int[] ids, LogitRows rows = LogitRows.Last, CacheOptions? options = null)
    {
        using var cache = model.CreateCache(options);
        return Logits(model, cache, ids, rows);
    }

    public static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);

    public static void AssertSameBits(float[] expected, float[] actual) => Assert.Equal(Bits(expected), Bits(actual));

    public static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        var difference = expected.Zip(actual, (e, a) => Math.Abs((double)e - a)).Max() / expected.Max(Math.Abs);
        Assert.True(difference <= tolerance, $"The logits differ by {difference:e2} of the largest; {tolerance:e0} is allowed.");
    }
}
