using System.Runtime.InteropServices;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>Tells from an exception whether a device had too little memory: TorchSharp has one type for all of libtorch's.</summary>
internal static class OutOfDeviceMemory
{
    // c10/cuda/CUDACachingAllocator.cpp says the first, c10/core/impl/alloc_cpu.cpp the others.
    private static readonly string[] Texts = ["out of memory", "can't allocate memory", "not enough memory"];

    /// <summary>Whether it is one.</summary>
    public static bool Is(Exception e) => e is OutOfMemoryException || (e is ExternalException && Texts.Any(text => e.Message.Contains(text, StringComparison.OrdinalIgnoreCase)));
}
