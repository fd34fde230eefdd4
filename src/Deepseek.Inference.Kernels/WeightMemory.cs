using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Anonymous memory for weights: aligned to 2 MiB, in huge pages where the system grants them.</summary>
/// <remarks>Weights are streams of gigabytes: with pages of 4 KiB the processor would look up an address for every 64 lines that it reads.</remarks>
internal sealed unsafe partial class WeightMemory : IDisposable
{
    private const nuint HugePage = 2 << 20;
    private const int AdviseHugePages = 14; // MADV_HUGEPAGE of Linux, asm-generic/mman-common.h

    private byte* _start;

    /// <summary>Takes memory; it is not cleared.</summary>
    /// <param name="length">Bytes.</param>
    public WeightMemory(long length)
    {
        Length = length;
        var whole = ((nuint)Math.Max(1, length) + HugePage - 1) / HugePage * HugePage;
        _start = (byte*)NativeMemory.AlignedAlloc(whole, HugePage);
        if (OperatingSystem.IsLinux())
            _ = Advise(_start, whole, AdviseHugePages); // a refusal costs speed alone
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

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(byte* address, nuint length, int advice);
}
