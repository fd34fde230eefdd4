using System.Globalization;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Memory limits of Linux' control groups, versions 1 and 2: what containers are limited by.</summary>
/// <remarks>Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of the Linux kernel. A limit of any group above the process's own holds for it, too.</remarks>
internal static class ControlGroups
{
    // Version 1 states "no limit" as the largest multiple of a page.
    private const long Unlimited = long.MaxValue / 2;

    /// <summary>Bytes that the limits leave this process; null where none is set.</summary>
    /// <param name="root">Where the file system begins.</param>
    public static long? Free(string root)
    {
        var groups = Path.Combine(root, "proc/self/cgroup");
        var mounts = Path.Combine(root, "proc/self/mountinfo");
        if (!File.Exists(groups) || !File.Exists(mounts))
            return null;

        long? free = null;
        foreach (var line in File.ReadLines(groups))
        {
            // hierarchy:controllers:path; version 2 has hierarchy 0 and no controllers
            if (line.Split(':', 3) is not [var hierarchy, var controllers, var path])
                continue;
            var isSecond = hierarchy == "0" && controllers.Length == 0;
            if (!isSecond && !controllers.Split(',').Contains("memory"))
                continue;
            foreach (var mount in Mounts(File.ReadLines(mounts), isSecond))
                free = Least(free, FreeOf(Path.Combine(root, mount.TrimStart('/')), path, isSecond));
        }

        return free;
    }

    /// <summary>Where a version's groups are mounted, of version 1 those that count memory.</summary>
    private static IEnumerable<string> Mounts(IEnumerable<string> lines, bool isSecond)
    {
        foreach (var line in lines)
        {
            // … root place options … - type source options (proc_pid_mountinfo(5))
            if (line.Split(" - ", 2) is not [var left, var right] || left.Split(' ') is not [_, _, _, _, var place, ..] || right.Split(' ') is not [var type, .., var options])
                continue;
            if (isSecond ? type == "cgroup2" : type == "cgroup" && options.Split(',').Contains("memory"))
                yield return place;
        }
    }

    /// <summary>The least that a group and those above it leave. Within a container its own group may be mounted as the root.</summary>
    private static long? FreeOf(string mount, string path, bool isSecond)
    {
        long? free = null;
        for (var group = path.Trim('/'); ; group = Path.GetDirectoryName(group) ?? "")
        {
            var folder = Path.Combine(mount, group);
            var (limit, used) = isSecond
                ? (Read(folder, "memory.max"), Read(folder, "memory.current"))
                : (Read(folder, "memory.limit_in_bytes"), Read(folder, "memory.usage_in_bytes"));
            if (limit is { } most and < Unlimited)
                free = Least(free, Math.Max(0, most - Math.Max(0, (used ?? 0) - Reclaimable(folder, isSecond))));
            if (group.Length == 0)
                return free;
        }
    }

    /// <summary>Bytes of files that the system gives up before it refuses memory.</summary>
    private static long Reclaimable(string folder, bool isSecond)
    {
        var name = isSecond ? "inactive_file " : "total_inactive_file ";
        var file = Path.Combine(folder, "memory.stat");
        if (!File.Exists(file))
            return 0;
        var line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is not null && long.TryParse(line.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;
    }

    private static long? Read(string folder, string name)
    {
        var file = Path.Combine(folder, name);
        return File.Exists(file) && long.TryParse(File.ReadAllText(file).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null; // "max" is no limit
    }

    private static long? Least(long? left, long? right) => left is null ? right : right is null ? left : Math.Min(left.Value, right.Value);
}
