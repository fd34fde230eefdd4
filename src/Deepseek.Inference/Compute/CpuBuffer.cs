using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Compute;

/// <summary>Memory of a pass that grows to the largest one's size and is kept for the next.</summary>
internal sealed unsafe class CpuBuffer : IDisposable
{
    private readonly AlignedMemory _memory = new();

    /// <summary>At least so many numbers; what they held before may be gone.</summary>
    public float* Reserve(long count) => (float*)_memory.Reserve((nuint)Math.Max(1, count) * sizeof(float));

    /// <summary>At least so many whole numbers.</summary>
    public int* ReserveWhole(long count) => (int*)Reserve(count);

    public void Dispose() => _memory.Dispose();
}
