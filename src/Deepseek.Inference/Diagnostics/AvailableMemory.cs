using System.Globalization;

namespace Deepseek.Inference.Diagnostics;

/// <summary>How much memory this process may still take, and how much it holds.</summary>
internal static class AvailableMemory
{
    private const string Status = "/proc/self/status";
    private const string Meminfo = "/proc/meminfo";

    /// <summary>Bytes that are free for this process: the machine's, or what a container's limits leave where that is less.</summary>
    public static long Free()
    {
        var info = GC.GetGCMemoryInfo();
        var free = Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes);
        if (!OperatingSystem.IsLinux())
            return free;
        if (File.Exists(Meminfo) && Kilobytes(File.ReadLines(Meminfo), "MemAvailable:") is { } available)
            free = available; // the runtime takes what files have cached for used
        return Math.Min(free, ControlGroups.Free("/") ?? long.MaxValue);
    }

    /// <summary>Bytes of physical memory that this process holds.</summary>
    public static long Held() =>
        OperatingSystem.IsLinux() && File.Exists(Status) && Kilobytes(File.ReadLines(Status), "VmRSS:") is { } held ? held : Environment.WorkingSet;

    /// <summary>A figure of a text such as <c>MemAvailable:  16 kB</c>, in bytes; null where it has none.</summary>
    internal static long? Kilobytes(IEnumerable<string> lines, string name)
    {
        foreach (var line in lines)
        {
            if (line.StartsWith(name, StringComparison.Ordinal)
                && long.TryParse(line.AsSpan(name.Length).Trim().TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes))
                return kilobytes * 1024;
        }

        return null;
    }
}
