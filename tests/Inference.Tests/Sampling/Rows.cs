using Deepseek.Inference.Sampling;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

/// <summary>Rows of logits, and short ways to put them through a strategy.</summary>
internal static class Rows
{
    public const float Removed = float.NegativeInfinity;

    /// <summary>The vocabulary of R1 and V3.</summary>
    public const int LargeVocabulary = 129_280;

    /// <summary>Fixed, so that a failure repeats.</summary>
    private static readonly Config Settings = Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true).WithReplay(20250120, 1_000_003);

    /// <summary>Rows of 1 to 200 logits, full of ties, some tokens removed, at least one left.</summary>
    public static Gen<float[]> Tied { get; } = Row(Gen.Choose(-8, 8).Select(half => half / 2f));

    /// <summary>Rows of 1 to 200 logits spread as a model's are, some tokens removed, at least one left.</summary>
    public static Gen<float[]> Spread { get; } = Row(Gen.Choose(-20_000_000, 20_000_000).Select(value => value / 1e6f));

    /// <summary>Rows of either kind.</summary>
    public static Gen<float[]> Any { get; } = Gen.OneOf(Tied, Spread);

    public static void ForAll<T>(Gen<T> generator, Action<T> property) =>
        Prop.ForAll(generator.ToArbitrary(), property).Check(Settings);

    /// <summary>As above, with fewer cases, for properties that take long.</summary>
    public static void ForAll<T>(Gen<T> generator, int cases, Action<T> property) =>
        Prop.ForAll(generator.ToArbitrary(), property).Check(Settings.WithMaxTest(cases));

    public static void ForAll<T1, T2>(Gen<T1> first, Gen<T2> second, Action<T1, T2> property) =>
        Prop.ForAll(first.ToArbitrary(), second.ToArbitrary(), property).Check(Settings);

    /// <summary>A copy of the row after the processor.</summary>
    public static float[] Apply(ILogitsProcessor processor, float[] logits, int[]? prompt = null, int[]? generated = null)
    {
        var row = (float[])logits.Clone();
        processor.Process(row, new SamplingContext(prompt, generated));
        return row;
    }

    /// <summary>Ids of the tokens that are left.</summary>
    public static int[] Kept(float[] logits) => [.. Enumerable.Range(0, logits.Length).Where(id => logits[id] != Removed)];

    /// <summary>Ids of the tokens that are left, best first, equal ones by ascending id.</summary>
    public static int[] Ranked(float[] logits) => [.. Kept(logits).OrderByDescending(id => logits[id])];

    /// <summary>The soft-max by its definition, in double precision.</summary>
    public static double[] Probabilities(float[] logits)
    {
        var maximum = logits.Max();
        var weights = Array.ConvertAll(logits, logit => Math.Exp((double)logit - maximum));
        var sum = weights.Sum();
        return Array.ConvertAll(weights, weight => weight / sum);
    }

    /// <summary>Logits drawn from a normal distribution.</summary>
    public static float[] Normal(int length, int seed, double deviation)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    private static Gen<float[]> Row(Gen<float> logit) =>
        from length in Gen.Choose(1, 200)
        from values in Gen.ArrayOf(Gen.Frequency((4, logit), (1, Gen.Constant(Removed))), length)
        from left in Gen.Choose(0, length - 1)
        select values.Select((value, id) => id == left && value == Removed ? 0f : value).ToArray();
}
