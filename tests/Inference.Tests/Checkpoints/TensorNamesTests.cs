using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Tests.Checkpoints;

public sealed class TensorNamesTests
{
    [Fact]
    public void Members_Nano_AreNamesOfItsTensors()
    {
        using var nano = CheckpointFolder.Open(TestPaths.Nano);
        var config = ModelConfig.Load(TestPaths.Nano);
        var weights = new List<string> { TensorNames.Embedding, TensorNames.FinalNorm, TensorNames.Head };
        foreach (var projection in new[] { "gate_proj", "up_proj", "down_proj" })
        {
            weights.Add(TensorNames.Expert(config.LayerCount, config.Experts!.RoutedCount - 1, projection));
            weights.Add(TensorNames.SharedExpert(1, projection));
            weights.Add(TensorNames.Layer(0, $"mlp.{projection}.weight"));
        }

        Assert.All(weights, name => Assert.Contains(name, nano.Tensors.Keys));
        Assert.All(weights[3..], name => Assert.Contains(TensorNames.ScaleOf(name), nano.Tensors.Keys));
    }

    [Fact]
    public void ScaleOf_Weight_ReplacesTheLastPart()
    {
        Assert.Equal("model.layers.3.mlp.experts.17.up_proj.weight_scale_inv", TensorNames.ScaleOf(TensorNames.Expert(3, 17, "up_proj")));
        Assert.True(TensorNames.IsScale("a.weight_scale_inv"));
        Assert.False(TensorNames.IsScale("a.weight"));
    }

    [Fact]
    public void ScaleOf_NoWeight_Throws()
    {
        var e = Assert.Throws<ArgumentException>("weight", () => TensorNames.ScaleOf("a.bias"));

        Assert.StartsWith("The name is \"a.bias\"; it must end in .weight, since only weights have block scales.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_ImpossibleArguments_Throw()
    {
        Assert.Throws<ArgumentOutOfRangeException>("layer", () => TensorNames.Layer(-1, "x"));
        Assert.Throws<ArgumentException>("part", () => TensorNames.Layer(0, ""));
        Assert.Throws<ArgumentOutOfRangeException>("expert", () => TensorNames.Expert(0, -1, "up_proj"));
        Assert.Throws<ArgumentException>("projection", () => TensorNames.Expert(0, 0, ""));
        Assert.Throws<ArgumentException>("projection", () => TensorNames.SharedExpert(0, ""));
    }
}
