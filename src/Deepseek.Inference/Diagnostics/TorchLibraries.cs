using System.Runtime.InteropServices;
using TorchSharp;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Where libtorch's files lie, and what to say when they do not.</summary>
internal static class TorchLibraries
{
    /// <summary>The name that TorchSharp imports.</summary>
    public const string BridgeImport = "LibTorchSharp";

    /// <summary>TorchSharp's own native part.</summary>
    public static string BridgeName { get; } = FileName(BridgeImport);

    /// <summary>libtorch's part for the CPU, which every backend package has.</summary>
    public static string CpuName { get; } = FileName("torch_cpu");

    /// <summary>libtorch's part for CUDA.</summary>
    public static string CudaName { get; } = FileName("torch_cuda");

    /// <summary>Each before those that need it.</summary>
    public static IReadOnlyList<string> LoadOrder { get; } =
        [FileName("c10"), CpuName, FileName("c10_cuda"), CudaName, FileName("torch")];

    /// <summary>The path of a native file of the application; null where it has none.</summary>
    public static string? Find(string fileName) =>
        Folders().Select(folder => Path.Combine(folder, fileName)).FirstOrDefault(File.Exists);

    /// <summary>Refuses a process for which no libtorch package exists.</summary>
    /// <exception cref="TorchNativeException">The process's architecture has no package.</exception>
    public static void RequireSupportedPlatform(Architecture system, Architecture process)
    {
        var supported = OperatingSystem.IsMacOS() ? process == Architecture.Arm64 : process == Architecture.X64;
        if (supported)
            return;
        throw new TorchNativeException(
            $"There is no libtorch package for a process of {process} on {RuntimeInformation.OSDescription} ({system}). Supported are linux-x64, win-x64 and osx-arm64"
            + (system == Architecture.X64 ? "; run the application with the 64-bit .NET runtime." : "."));
    }

    /// <summary>The error for a failed load: no backend package, or the loader's own words.</summary>
    public static TorchNativeException NotLoaded(Exception? cause)
    {
        var version = typeof(torch).Assembly.GetName().Version!.ToString(3);
        var searched = string.Join(", ", Folders());
        if (Find(CpuName) is null)
        {
            return new($"libtorch was not found: {CpuName} is in none of {searched}. "
                + $"Reference exactly one of TorchSharp-cpu, TorchSharp-cuda-linux and TorchSharp-cuda-windows, version {version}, in the application's project.", cause);
        }

        if (Find(BridgeName) is null)
            return new($"TorchSharp's native part was not found: {BridgeName} is in none of {searched}. Restore and build the application again for this platform ({RuntimeInformation.RuntimeIdentifier}).", cause);

        return new($"libtorch was found in {Path.GetDirectoryName(Find(CpuName))} and could not be loaded: {cause?.Message ?? "no cause was given"}. "
            + "Debian 12, Ubuntu 22.04 and newer systems suffice; an older one lacks the C and C++ libraries that libtorch was built for.", cause);
    }

    private static IEnumerable<string> Folders()
    {
        var host = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var native = Path.Combine("runtimes", PortableIdentifier(), "native");
        return host
            .Concat([AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, native)])
            .Select(Path.TrimEndingDirectorySeparator)
            .Distinct();
    }

    private static string PortableIdentifier()
    {
        var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        return system + (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "-arm64" : "-x64");
    }

    private static string FileName(string name) =>
        OperatingSystem.IsWindows() ? name + ".dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";
}
