using Deepseek.Inference.Configuration;
using Deepseek.Inference.Models;

namespace Deepseek.Inference.Tests.Models;

public sealed class DecodeBytesTests
{
    private static readonly ModelConfig V2Lite = KnownModels.ByName("v2-lite"); // 6 of 64 experts

    [Fact]
    public void OfStep_Mixture_LeavesOutTheEmbeddingAndTheUnchosen()
    {
        Assert.Equal(10_000 - 1000 - (6400 - 600), DecodeBytes.OfStep(V2Lite, all: 10_000, embedding: 1000, routed: 6400));
    }

    [Fact]
    public void OfStep_EmbeddingThatIsTheHead_IsRead()
    {
        Assert.Equal(10_000, DecodeBytes.OfStep(V2Lite with { TieWordEmbeddings = true, Experts = null }, all: 10_000, embedding: 1000, routed: 0));
    }

    [Fact]
    public void OfStep_HundredsOfGigabytes_DoesNotOverflow()
    {
        const long exabyte = 1L << 60;

        Assert.Equal(exabyte - (exabyte - (exabyte / 64 * 6)), DecodeBytes.OfStep(V2Lite, exabyte, 0, exabyte));
    }

    [Theory]
    [InlineData("v3-mtp", 64)] // the selection biases of two layers are fp32
    [InlineData("v2-lite", 0)]
    [InlineData("distill-qwen2", 0)]
    public async Task StepBytes_Fixture_AreTheActiveWeights(string name, int more)
    {
        using var model = await Fixture.LoadAsync(name);

        const int bytesPerWeight = 2; // bf16
        var active = ParameterCounts.Of(model.Config).ActivePerToken;

        Assert.Equal((active * bytesPerWeight) + more, model.StepBytes);
    }
}
