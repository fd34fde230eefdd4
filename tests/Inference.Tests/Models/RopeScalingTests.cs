using Deepseek.Inference.Models;

namespace Deepseek.Inference.Tests.Models;

/// <summary>Scalings that no published model of the architecture uses, held against an equal model without them.</summary>
public sealed class RopeScalingTests
{
    /// <summary>Rounding of factors that are exact in one of the two models alone.</summary>
    private const double Tolerance = 1e-4;

    private static readonly int[] Text = Fixture.Ids(60);

    [Theory]
    [InlineData("distill-qwen2")]
    [InlineData("distill-llama")]
    public async Task Forward_YarnOnADenseModel_ScalesQueriesAndKeysByItsMagnitude(string fixture)
    {
        // An original length with which the ramp begins behind the last pair, at 16 ln(4e6 / 64π) / (2 ln 10000) = 8.6: what is left of YaRN is
        // cos and sin times 1 + 0.1 ln 4.
        var magnitude = (float)(1 + (0.1 * Math.Log(4)));
        using var yarn = new AlteredCheckpoint(fixture).Write(
            ("rope_scaling", """{"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 4000000}"""), ("rope_theta", "10000.0"));
        var scaled = new AlteredCheckpoint(fixture);
        foreach (var name in scaled.Names.Where(name => name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("k_proj", StringComparison.Ordinal)).ToList())
            scaled.Map(name, value => value * magnitude);
        using var plain = scaled.Write(("rope_scaling", "null"), ("rope_theta", "10000.0"));
        using var without = new AlteredCheckpoint(fixture).Write(("rope_scaling", "null"), ("rope_theta", "10000.0"));

        var (actual, expected, other) = (await Logits(yarn.Path), await Logits(plain.Path), await Logits(without.Path));

        Fixture.AssertClose(expected, actual, Tolerance);
        Assert.True(expected.Zip(other, (a, b) => Math.Abs(a - b)).Max() > 100 * Tolerance * expected.Max(Math.Abs), "The magnitude must matter.");
    }

    [Fact]
    public async Task Forward_Llama3OnADeepseekModel_KeepsTheSoftmaxScale()
    {
        // All wavelengths count as short: nothing is scaled, and nothing else may change.
        using var llama = new AlteredCheckpoint("v3-no-yarn").Write(("rope_scaling",
            """{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1e-3, "high_freq_factor": 2e-3, "original_max_position_embeddings": 100000}"""));
        using var plain = new AlteredCheckpoint("v3-no-yarn").Write();

        Fixture.AssertSameBits(await Logits(plain.Path), await Logits(llama.Path));
    }

    [Fact]
    public async Task Forward_Llama3OnADeepseekModel_DividesLongWavelengths()
    {
        // All wavelengths count as long, so that each angle is a quarter: position 4p is then what p was. Every fourth token is kept, and
        // those between are hidden by a window of one, leaving a one-token text at positions 0 and 4 to compare.
        using var llama = new AlteredCheckpoint("v3-no-yarn").Write(("rope_scaling",
            """{"rope_type": "llama3", "factor": 4, "low_freq_factor": 1e5, "high_freq_factor": 2e5, "original_max_position_embeddings": 64}"""));
        using var plain = new AlteredCheckpoint("v3-no-yarn").Write();
        using var scaled = await LanguageModel.LoadAsync(llama.Path, cancellationToken: TestContext.Current.CancellationToken);
        using var unscaled = await LanguageModel.LoadAsync(plain.Path, cancellationToken: TestContext.Current.CancellationToken);

        // A window of the first token and the query itself: distance 4 there, distance 1 here.
        var far = Fixture.Logits(scaled, [7, 8, 9, 10, 11], options: new() { Window = new(1, 1) });
        var near = Fixture.Logits(unscaled, [7, 11], options: new() { Window = new(1, 1) });

        Fixture.AssertClose(near, far, Tolerance);
        Assert.NotEqual(near, Fixture.Logits(unscaled, [7, 8, 9, 10, 11], options: new() { Window = new(1, 1) }));
    }

    private static async Task<float[]> Logits(string folder)
    {
        using var model = await LanguageModel.LoadAsync(folder, cancellationToken: TestContext.Current.CancellationToken);
        return Fixture.Logits(model, Text, LogitRows.All);
    }
}
