using System.Runtime.InteropServices;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Diagnostics;

public sealed class TorchLibrariesTests
{
    [Fact]
    public void Find_LibrariesOfTheBackend_AreThere()
    {
        Assert.True(File.Exists(TorchLibraries.Find(TorchLibraries.CpuName)));
        Assert.True(File.Exists(TorchLibraries.Find(TorchLibraries.BridgeName)));
        Assert.Null(TorchLibraries.Find("libnothing-of-the-kind.so"));
    }

    [Fact]
    public void LoadOrder_EachLibrary_ComesBeforeThoseThatNeedIt()
    {
        var order = TorchLibraries.LoadOrder.Select(name => Path.GetFileNameWithoutExtension(name).Replace("lib", "", StringComparison.Ordinal));

        Assert.Equal(["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"], order);
    }

    [Theory]
    [InlineData(Architecture.X64, Architecture.X86)]
    [InlineData(Architecture.Arm64, Architecture.Arm64)]
    [InlineData(Architecture.Arm64, Architecture.Arm)]
    [InlineData(Architecture.S390x, Architecture.S390x)]
    public void RequireSupportedPlatform_NoPackage_SaysWhichThereAre(Architecture system, Architecture process)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have other packages.");

        var fault = Assert.Throws<TorchNativeException>(() => TorchLibraries.RequireSupportedPlatform(system, process));

        Assert.Equal(
            $"There is no libtorch package for a process of {process} on {RuntimeInformation.OSDescription} ({system}). Supported are linux-x64, win-x64 and osx-arm64"
            + (system == Architecture.X64 ? "; run the application with the 64-bit .NET runtime." : "."),
            fault.Message);
    }

    [Fact]
    public void RequireSupportedPlatform_ThisProcess_Passes() =>
        TorchLibraries.RequireSupportedPlatform(RuntimeInformation.OSArchitecture, RuntimeInformation.ProcessArchitecture);

    [Fact]
    public void NotLoaded_LibrariesAreThere_PassesTheLoadersWordsOn()
    {
        var cause = new DllNotFoundException("libgomp.so.1 is missing");

        var fault = TorchLibraries.NotLoaded(cause);

        var folder = Path.GetDirectoryName(TorchLibraries.Find(TorchLibraries.CpuName));
        Assert.Equal(
            $"libtorch was found in {folder} and could not be loaded: libgomp.so.1 is missing. Debian 12, Ubuntu 22.04 and newer systems suffice; an older one lacks the C and C++ libraries that libtorch was built for.",
            fault.Message);
        Assert.Same(cause, fault.InnerException);
        Assert.Contains("could not be loaded: no cause was given.", TorchLibraries.NotLoaded(null).Message, StringComparison.Ordinal);
    }
}
