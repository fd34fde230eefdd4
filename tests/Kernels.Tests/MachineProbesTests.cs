namespace Deepseek.Inference.Kernels.Tests;

public sealed class MachineProbesTests
{
    private const long FewBytes = 3L << 20; // within a cache: the figure means nothing, the code is the same

    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    [Theory, MemberData(nameof(Paths))]
    public void MemoryBandwidth_EveryPath_IsPositive(KernelPath path)
    {
        using var team = new ThreadTeam(2);

        AssertSpeed(MachineProbes.MemoryBandwidth(team, path, FewBytes));
    }

    [Theory, MemberData(nameof(Paths))]
    public void IntegerPeak_EveryPath_IsPositive(KernelPath path)
    {
        using var team = new ThreadTeam(2);

        AssertSpeed(MachineProbes.IntegerPeak(team, path, ActivationPrecision.Int16));
        AssertSpeed(MachineProbes.IntegerPeak(team, path, ActivationPrecision.Int8));
    }

    [Theory, MemberData(nameof(Paths))]
    public void FloatPeak_EveryPath_IsPositive(KernelPath path)
    {
        using var team = new ThreadTeam(1);

        AssertSpeed(MachineProbes.FloatPeak(team, path));
    }

    [Fact]
    public unsafe void MemoryTouching_Parts_WritesEveryPage()
    {
        using var memory = new WeightMemory(2 * MachineProbes.PartBytes);
        memory.Slice(0, 2 * MachineProbes.PartBytes).Clear();
        using var team = new ThreadTeam(1);

        team.Run(2, new MemoryTouching(memory.Start));

        Assert.Equal(2 * MachineProbes.PartBytes / MemoryTouching.PageBytes, memory.Slice(0, 2 * MachineProbes.PartBytes).Count((byte)1));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(MachineProbes.PartBytes - 1)]
    public void MemoryBandwidth_LessThanAPart_IsRefused(long bytes)
    {
        using var team = new ThreadTeam(1);

        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => MachineProbes.MemoryBandwidth(team, KernelPath.Scalar, bytes));

        Assert.StartsWith("Memory is read in parts of 1048576 bytes; there must be one at least.", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ActivationPrecision.Fp32)]
    [InlineData((ActivationPrecision)9)]
    public void IntegerPeak_OtherActivations_AreRefused(ActivationPrecision activations)
    {
        using var team = new ThreadTeam(1);

        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => MachineProbes.IntegerPeak(team, KernelPath.Scalar, activations));

        Assert.StartsWith("Whole numbers are Int16 or Int8.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Probes_NoTeam_AreRefused()
    {
        Assert.Throws<ArgumentNullException>("team", () => MachineProbes.MemoryBandwidth(null!, KernelPath.Scalar, FewBytes));
        Assert.Throws<ArgumentNullException>("team", () => MachineProbes.IntegerPeak(null!, KernelPath.Scalar, ActivationPrecision.Int16));
        Assert.Throws<ArgumentNullException>("team", () => MachineProbes.FloatPeak(null!, KernelPath.Scalar));
    }

    [Theory]
    [InlineData(1, 0.9, false)]
    [InlineData(2, 1.02, true)]
    [InlineData(2, 1.7, false)]
    [InlineData(16, 2, true)]
    [InlineData(16, 8, false)] // two threads a core
    public void ShareCores_Speedup_TellsThreadsThatTakeTurns(int threads, double speedup, bool expected) =>
        Assert.Equal(expected, MachineProbes.ShareCores(threads, speedup));

    private static void AssertSpeed(double value) => Assert.True(double.IsFinite(value) && value > 0, $"The speed is {value}.");
}
