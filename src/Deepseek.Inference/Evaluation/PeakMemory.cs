using System.Diagnostics;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Evaluation;

/// <summary>The most memory that this process has held at once.</summary>
internal static class PeakMemory
{
    private const string LinuxFile = "/proc/self/status";

    /// <summary>Bytes of physical memory at the peak.</summary>
    public static long Read()
    {
        if (File.Exists(LinuxFile) && Parse(File.ReadLines(LinuxFile)) is { } bytes)
            return bytes;
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    /// <summary>The peak ("high water mark") that a text like Linux' status file tells; null where it does not.</summary>
    internal static long? Parse(IEnumerable<string> lines) => AvailableMemory.Kilobytes(lines, "VmHWM:");
}
