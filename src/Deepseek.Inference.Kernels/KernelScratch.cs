namespace Deepseek.Inference.Kernels;

/// <summary>Memory of a thread for what lies between a kernel's steps; it grows, and is freed with the thread.</summary>
internal static unsafe class KernelScratch
{
    [ThreadStatic]
    private static AlignedMemory? Memory;

    /// <summary>At least so many bytes at a multiple of 64, until the next call in this thread.</summary>
    public static byte* Reserve(long bytes) => (Memory ??= new AlignedMemory()).Reserve((nuint)bytes);
}
