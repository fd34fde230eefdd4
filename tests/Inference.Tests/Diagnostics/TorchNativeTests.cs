using Deepseek.Inference.Diagnostics;
using TorchSharp;

namespace Deepseek.Inference.Tests.Diagnostics;

public sealed class TorchNativeTests
{
    [Fact]
    public void EnsureLoaded_ThisSystem_ComputesWithTorch()
    {
        TorchNative.EnsureLoaded();

        using var sum = torch.ones(3, 4).sum();

        Assert.Equal(12f, sum.item<float>());
    }
}
