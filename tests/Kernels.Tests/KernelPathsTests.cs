namespace Deepseek.Inference.Kernels.Tests;

public sealed class KernelPathsTests
{
    [Fact]
    public void Available_AnyMachine_BeginsWithScalarAndHoldsTheSelected()
    {
        Assert.Equal(KernelPath.Scalar, KernelPaths.Available[0]);
        Assert.Contains(KernelPaths.Selected, KernelPaths.Available);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Choose_Unset_TakesTheBest(string? value)
    {
        Assert.Equal((KernelPaths.Available[^1], null), KernelPaths.Choose(value));
    }

    [Fact]
    public void Choose_EveryAvailablePath_TakesIt()
    {
        foreach (var path in KernelPaths.Available)
            Assert.Equal((path, null), KernelPaths.Choose(path.ToString().ToUpperInvariant()));
    }

    [Fact]
    public void Choose_UnknownPath_NamesAll()
    {
        var (_, fault) = KernelPaths.Choose("avx1024");

        Assert.Equal("DEEPSEEK_KERNELS is \"avx1024\"; it must be scalar or vector128 or avx2 or avx512 or avx512vnni, or be unset.", fault);
    }

    [Fact]
    public void Choose_PathThatTheMachineLacks_NamesTheAvailable()
    {
        KernelPath[] missing = [.. Enum.GetValues<KernelPath>().Except(KernelPaths.Available)];
        Assert.SkipWhen(missing.Length == 0, "This machine can run every path.");

        var (_, fault) = KernelPaths.Choose(missing[0].ToString());

        var names = string.Join(" or ", KernelPaths.Available.Select(path => path.ToString().ToLowerInvariant()));
        Assert.Equal($"DEEPSEEK_KERNELS is \"{missing[0]}\", which this machine cannot run; it must be {names}, or be unset.", fault);
    }
}
