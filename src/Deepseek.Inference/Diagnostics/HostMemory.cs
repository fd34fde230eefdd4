using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Where tensors of the host lie.</summary>
internal static unsafe class HostMemory
{
    private static readonly Lazy<nint> AddressExport = new(() => Export("THSStorage_data_ptr"));

    /// <summary>The first byte of a tensor's storage; valid as long as the tensor is held.</summary>
    public static nint Address(this Tensor tensor) => ((delegate* unmanaged<nint, nint>)AddressExport.Value)(tensor.Handle);

    /// <summary>A function of the bridge between .NET and libtorch.</summary>
    public static nint Export(string name)
    {
        TorchNative.EnsureLoaded();
        return NativeLibrary.GetExport(NativeLibrary.Load("LibTorchSharp", typeof(torch).Assembly, null), name);
    }
}
