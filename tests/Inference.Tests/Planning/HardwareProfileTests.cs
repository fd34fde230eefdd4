using Deepseek.Inference.Kernels;
using Deepseek.Inference.Planning;

namespace Deepseek.Inference.Tests.Planning;

public sealed class HardwareProfileTests
{
    [Fact]
    public void Measure_ThisMachine_TellsAllFigures()
    {
        var profile = HardwareProfile.Measure(1, TestContext.Current.CancellationToken);

        Assert.Equal((1, KernelPaths.Selected), (profile.Threads, profile.KernelPath));
        Assert.NotEqual("", profile.Processor);
        Assert.True(profile.MemoryBytes > 1L << 28);
        Assert.All([profile.MemoryGigabytesPerSecond, profile.Int16Gops, profile.Int8Gops, profile.Fp32Gflops], figure => Assert.True(double.IsFinite(figure) && figure > 0, $"{profile}"));
        Assert.Equal(profile.Int16Gops, profile.Peak(ActivationPrecision.Int16));
        Assert.Equal(profile.Int8Gops, profile.Peak(ActivationPrecision.Int8));
        Assert.Equal(profile.Fp32Gflops, profile.Peak(ActivationPrecision.Fp32));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(257)]
    public void Measure_ImpossibleThreads_AreRefused(int threads)
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => HardwareProfile.Measure(threads));

        Assert.StartsWith("There must be 1 to 256 threads, one for each processor that may compute.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Measure_Cancelled_Ends()
    {
        Assert.Throws<OperationCanceledException>(() => HardwareProfile.Measure(1, new CancellationToken(canceled: true)));
    }
}
