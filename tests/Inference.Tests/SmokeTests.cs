namespace Deepseek.Inference.Tests;

public sealed class PlaceholderTests
{
    [Fact]
    public void TensorType_Bf16_HasTwoBytes() => Assert.Equal(2, Deepseek.Inference.Checkpoints.TensorTypes.Size(Deepseek.Inference.Checkpoints.TensorType.BF16));
}
