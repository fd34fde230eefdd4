using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Planning;

/// <summary>How much memory the machine has, and has free.</summary>
internal static class SystemMemory
{
    private const string LinuxFile = "/proc/meminfo";
    private const long LeastRead = 64 << 20; // twice the caches of a desktop processor, more or less

    /// <summary>Bytes that this process may use; a container's limit counts.</summary>
    public static long TotalBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Bytes that are free now, or that the system would free at once.</summary>
    public static long AvailableBytes => Math.Max(0, Available());

    /// <summary>So many bytes, or a quarter of what is free where that is less, but no less than 64 MiB.</summary>
    public static long ShareOfAvailable(long wanted) => Share(wanted, Available());

    internal static long Share(long wanted, long available) => Math.Clamp(available / 4, LeastRead, Math.Max(LeastRead, wanted));

    /// <summary>The free bytes that a text like Linux' meminfo tells; null where it does not.</summary>
    internal static long? ParseAvailable(IEnumerable<string> lines) => AvailableMemory.Kilobytes(lines, "MemAvailable:");

    private static long Available()
    {
        var info = GC.GetGCMemoryInfo();
        var unused = info.TotalAvailableMemoryBytes - info.MemoryLoadBytes;
        return File.Exists(LinuxFile) ? Math.Min(unused, ParseAvailable(File.ReadLines(LinuxFile)) ?? unused) : unused;
    }
}
