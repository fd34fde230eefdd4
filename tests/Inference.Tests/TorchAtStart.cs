using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests;

/// <summary>Loads libtorch before any test, as an application that uses TorchSharp itself must.</summary>
internal static class TorchAtStart
{
    /// <summary>The hash of TorchSharp's native part before it was loaded; null where there is none.</summary>
    public static byte[]? BridgeHash { get; private set; }

    /// <summary>The files beside it before it was loaded, with their lengths and times.</summary>
    public static IReadOnlyList<string> NativeFiles { get; private set; } = [];

    public static IReadOnlyList<string> ListNativeFiles() => TorchLibraries.Find(TorchLibraries.BridgeName) is { } path
        ? [.. new FileInfo(path).Directory!.GetFiles().Select(file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc:O}").Order(StringComparer.Ordinal)]
        : [];

    public static byte[]? HashBridge() =>
        TorchLibraries.Find(TorchLibraries.BridgeName) is { } path ? SHA256.HashData(File.ReadAllBytes(path)) : null;

#pragma warning disable CA2255 // a test assembly is the application here
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Load()
    {
        (BridgeHash, NativeFiles) = (HashBridge(), ListNativeFiles());
        try
        {
            TorchNative.EnsureLoaded();
        }
        catch (TorchNativeException)
        {
            // Every test that needs libtorch gets the same error again.
        }
    }
}
