using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Loads libtorch, the native library behind TorchSharp.</summary>
/// <remarks>
/// <para>Everything of this library that needs tensors calls <see cref="EnsureLoaded"/> by itself. An application that uses TorchSharp
/// before it uses this library calls it first.</para>
/// <para>TorchSharp 0.107's own part on Linux asks for <c>GLIBCXX_3.4.32</c> (GCC 13) for a single symbol, which Debian 12 and Ubuntu 22.04 lack.
/// There a copy in memory is loaded in which that symbol is bound to its predecessor; no file is changed or written.</para>
/// <para>All members are thread-safe.</para>
/// </remarks>
public static class TorchNative
{
    private static readonly Lazy<bool> Loaded = new(Load, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>Whether the in-memory copy was needed on this system; loads libtorch to tell.</summary>
    /// <exception cref="TorchNativeException">libtorch cannot be loaded.</exception>
    public static bool IsPatched => Loaded.Value;

    /// <summary>Loads libtorch, once for the process; later calls return at once, or throw the same error again.</summary>
    /// <exception cref="TorchNativeException">No backend package is referenced, the architecture has none, or the system's loader refused a library.</exception>
    public static void EnsureLoaded() => _ = Loaded.Value;

    /// <summary>Checks that a device may be used.</summary>
    /// <param name="device">The device asked for.</param>
    /// <exception cref="TorchNativeException">libtorch cannot be loaded, or it is a CUDA device and there is none.</exception>
    /// <exception cref="ArgumentException">The device is neither the CPU nor a CUDA device.</exception>
    public static void EnsureDevice(torch.Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        EnsureLoaded();
        if (device.type == DeviceType.CPU)
            return;
        if (device.type != DeviceType.CUDA)
            throw new ArgumentException($"The device is {device.type}; it must be CPU or CUDA.", nameof(device));

        if (TorchLibraries.Find(TorchLibraries.CudaName) is null)
            throw new TorchNativeException("CUDA was asked for, and the application has the CPU backend alone. Reference TorchSharp-cuda-linux or TorchSharp-cuda-windows in place of TorchSharp-cpu (the samples and the tool: -p:TorchBackend=cuda-linux).");
        if (!torch.TryInitializeDeviceType(DeviceType.CUDA))
            throw new TorchNativeException("CUDA was asked for, and libtorch finds no usable device. Check with nvidia-smi that a card and a driver for CUDA 12.8 are present, or use the CPU.");
        if (device.index >= torch.cuda.device_count())
            throw new TorchNativeException($"CUDA device {device.index} was asked for, and there are {torch.cuda.device_count()}. Choose a lower index.");
    }

    private static bool Load()
    {
        TorchLibraries.RequireSupportedPlatform(RuntimeInformation.OSArchitecture, RuntimeInformation.ProcessArchitecture);
        var patched = OperatingSystem.IsLinux() && LoadOnLinux();
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception e) when (e is NotSupportedException or DllNotFoundException or TypeInitializationException or EntryPointNotFoundException)
        {
            throw TorchLibraries.NotLoaded(e);
        }

        return patched;
    }

    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    private static bool LoadOnLinux()
    {
        var bridge = TorchLibraries.Find(TorchLibraries.BridgeName);
        if (bridge is null || TorchLibraries.Find(TorchLibraries.CpuName) is null)
            throw TorchLibraries.NotLoaded(null);

        OpenMpSettings.Apply();
        try
        {
            // By their own names first: a patched copy has no folder in which the loader would look for them.
            foreach (var name in TorchLibraries.LoadOrder)
            {
                if (TorchLibraries.Find(name) is { } path)
                    NativeLibrary.Load(path);
            }

            if (NativeLibrary.TryLoad(bridge, out _))
                return false;
            var handle = LoadPatched(bridge);
            AssemblyLoadContext.GetLoadContext(typeof(torch).Assembly)!.ResolvingUnmanagedDll +=
                (_, name) => name == TorchLibraries.BridgeImport ? handle : 0;
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or Win32Exception or IOException or UnauthorizedAccessException)
        {
            throw TorchLibraries.NotLoaded(e);
        }
    }

    /// <summary>Binds the one symbol that GCC 13 added to what every earlier release calls for the same purpose.</summary>
    /// <remarks>Both initialise the standard streams; the older one is a constructor whose object is never touched, so that any first argument does.</remarks>
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    private static nint LoadPatched(string bridge)
    {
        var bytes = File.ReadAllBytes(bridge);
        var image = new ElfImage(bytes);
        if (!image.Needs("GLIBCXX_3.4.32"))
            return NativeLibrary.Load(bridge); // refused for another reason, which this call reports

        image.RenameUndefinedSymbol("_ZSt21ios_base_library_initv", "_ZNSt8ios_base4InitC1Ev", "GLIBCXX_3.4");
        image.WeakenNeededVersion("GLIBCXX_3.4.32");
        return AnonymousLibrary.Load("LibTorchSharp", bytes);
    }
}
