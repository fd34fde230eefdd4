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

    [Fact]
    public void EnsureLoaded_ChangesNoFile()
    {
        TorchNative.EnsureLoaded();

        Assert.NotNull(TorchAtStart.BridgeHash);
        Assert.Equal(TorchAtStart.BridgeHash, TorchAtStart.HashBridge());
        Assert.NotEmpty(TorchAtStart.NativeFiles);
        Assert.Equal(TorchAtStart.NativeFiles, TorchAtStart.ListNativeFiles());
    }

    [Fact]
    public void IsPatched_LinuxWithAnOldLibrary_SaysSo()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux needs it.");
        var knows = File.ReadLines("/proc/self/maps").Select(line => line.Split(' ')[^1]).Where(path => path.Contains("libstdc++.so", StringComparison.Ordinal)).Distinct()
            .Any(path => System.Text.Encoding.ASCII.GetString(File.ReadAllBytes(path)).Contains("GLIBCXX_3.4.32\0", StringComparison.Ordinal));

        Assert.Equal(!knows, TorchNative.IsPatched);
    }

    [Fact]
    public void EnsureDevice_Cpu_Passes() => TorchNative.EnsureDevice(torch.CPU);

    [Fact]
    public void EnsureDevice_NoDevice_IsRefused() => Assert.Throws<ArgumentNullException>(() => TorchNative.EnsureDevice(null!));

    [Fact]
    public void EnsureDevice_AnotherKind_IsRefused()
    {
        var fault = Assert.Throws<ArgumentException>(() => TorchNative.EnsureDevice(new torch.Device(DeviceType.META)));

        Assert.Equal("The device is META; it must be CPU or CUDA. (Parameter 'device')", fault.Message);
    }

    [Fact]
    public void EnsureDevice_CudaWithoutItsPackage_SaysWhatToReference()
    {
        Assert.SkipUnless(TorchLibraries.Find(TorchLibraries.CudaName) is null, "The tests were built with a CUDA backend.");

        var fault = Assert.Throws<TorchNativeException>(() => TorchNative.EnsureDevice(new torch.Device(DeviceType.CUDA, 0)));

        Assert.Equal("CUDA was asked for, and the application has the CPU backend alone. Reference TorchSharp-cuda-linux or TorchSharp-cuda-windows in place of TorchSharp-cpu (the samples and the tool: -p:TorchBackend=cuda-linux).", fault.Message);
    }
}
