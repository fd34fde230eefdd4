using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Anonymous memory for weights: aligned to 2 MiB, in huge pages where the system grants them.</summary>
internal sealed unsafe class WeightMemory : IDisposable
{
    private byte* _start;

    /// <summary>Takes memory; it is not cleared.</summary>
    /// <param name="length">Bytes.</param>
    public WeightMemory(long length)
    {
        Length = length;
        var whole = ((nuint)Math.Max(1, length) + HugePages.Size - 1) / HugePages.Size * HugePages.Size;
        _start = (byte*)NativeMemory.AlignedAlloc(whole, HugePages.Size);
        HugePages.Ask((nint)_start, (long)whole);
    }

    ~WeightMemory() => NativeMemory.AlignedFree(_start);

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>The first byte.</summary>
    public byte* Start => _start is not null ? _start : throw new ObjectDisposedException(nameof(WeightMemory));

    /// <summary>A part of it.</summary>
    public Span<byte> Slice(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)offset, (ulong)(Length - length));
        return new Span<byte>(Start + offset, length);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
        GC.SuppressFinalize(this);
    }
}
