using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Tests.Configuration;

public sealed class ParameterCountsTests
{
    public static TheoryData<string> Folders => [.. ConfigText.Folders.Where(folder => ModelConfig.Load(folder).Quantization?.Method != "bitsandbytes")];

    [Fact]
    public void Of_R1_GivesThePublishedNumbers()
    {
        var counts = ParameterCounts.Of(KnownModels.R1);

        Assert.Equal(44_040_192, counts.OneExpert);
        Assert.Equal(653_908_770_816, counts.RoutedExperts); // 653.9 B
        Assert.Equal(671.0, Math.Round(counts.Total / 1e9, 1));
        Assert.Equal(17.1, Math.Round((counts.Total - counts.RoutedExperts) / 1e9, 1));
        Assert.Equal(684.5, Math.Round(counts.TotalWithPrediction / 1e9, 1)); // the hub shows 685 B
        Assert.Equal(36.6, Math.Round(counts.ActivePerToken / 1e9, 1)); // the report says 37 B
    }

    [Fact]
    public void Of_V2AndV2Lite_GivesThePublishedNumbers()
    {
        var lite = ParameterCounts.Of(KnownModels.V2Lite);
        var large = ParameterCounts.Of(KnownModels.V2);

        Assert.Equal(15.7, Math.Round(lite.Total / 1e9, 1));
        Assert.Equal(2.24, Math.Round((lite.ActivePerToken - lite.Head) / 1e9, 2));
        Assert.Equal(236, Math.Round(large.Total / 1e9, 0));
        Assert.Equal(0, lite.MultiTokenPrediction);
    }

    [Theory, MemberData(nameof(Folders))]
    public void Of_EveryModelOfTheRepository_EqualsTheElementsOfItsTensors(string folder)
    {
        var config = ModelConfig.Load(folder);
        using var checkpoint = CheckpointFolder.Open(folder);

        var counts = ParameterCounts.Of(config);

        // A tied head may be stored all the same; it is the embedding a second time.
        var elements = checkpoint.Tensors.Values
            .Where(tensor => !TensorNames.IsScale(tensor.Name) && !(config.TieWordEmbeddings && tensor.Name == TensorNames.Head))
            .Sum(tensor => tensor.ElementCount);
        Assert.Equal(elements, counts.TotalWithPrediction);
    }

    [Theory, MemberData(nameof(Folders))]
    public void Of_EveryModelOfTheRepository_SplitsAsItsTensorsAreNamed(string folder)
    {
        var config = ModelConfig.Load(folder);
        using var checkpoint = CheckpointFolder.Open(folder);
        long Sum(string part) => checkpoint.Tensors.Values
            .Where(t => t.Name.Contains(part, StringComparison.Ordinal) && !TensorNames.IsScale(t.Name) && !IsPrediction(t.Name, config))
            .Sum(t => t.ElementCount);

        var counts = ParameterCounts.Of(config);

        Assert.Equal(Sum("norm"), counts.Norms);
        Assert.Equal(Sum(".experts."), counts.RoutedExperts);
        Assert.Equal(Sum("shared_experts"), counts.SharedExperts);
        Assert.Equal(Sum("mlp.gate."), counts.Router);
        Assert.Equal(Sum("self_attn") - Sum("self_attn.q_a_layernorm") - Sum("self_attn.kv_a_layernorm"), counts.Attention);
        Assert.Equal(Sum("embed_tokens"), counts.Embedding);
    }

    [Fact]
    public void Of_TiedHead_CountsItAsActiveOnly()
    {
        var config = ModelConfig.Load(ConfigText.Folder("distill-llama"));

        var counts = ParameterCounts.Of(config);

        Assert.Equal(0, counts.Head);
        Assert.Equal(counts.Total, counts.ActivePerToken); // the embedding is what the head multiplies with
    }

    private static bool IsPrediction(string name, ModelConfig config) =>
        name.StartsWith($"model.layers.{config.LayerCount}.", StringComparison.Ordinal);
}
