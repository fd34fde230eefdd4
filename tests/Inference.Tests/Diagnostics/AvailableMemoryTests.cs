using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Diagnostics;

public sealed class AvailableMemoryTests
{
    [Fact]
    public void Free_ThisMachine_IsMoreThanNothingAndLessThanAll() =>
        Assert.InRange(AvailableMemory.Free(), 1L << 20, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    [Fact]
    public void Held_ThisProcess_GrowsWithWhatIsTouched()
    {
        var before = AvailableMemory.Held();

        var block = GC.AllocateUninitializedArray<byte>(256 << 20, pinned: true);
        block.AsSpan().Fill(1);

        Assert.InRange(AvailableMemory.Held() - before, 128L << 20, 4L << 30);
        GC.KeepAlive(block);
    }

    [Fact]
    public void Kilobytes_Text_GivesTheFigureInBytes()
    {
        string[] lines = ["MemTotal:  9 kB", "MemAvailable:       16 kB"];

        Assert.Equal(16 * 1024, AvailableMemory.Kilobytes(lines, "MemAvailable:"));
        Assert.Null(AvailableMemory.Kilobytes(lines, "SwapFree:"));
        Assert.Null(AvailableMemory.Kilobytes(["MemAvailable: some"], "MemAvailable:"));
    }

    [Fact]
    public void ControlGroups_NoLinux_AreNone()
    {
        using var root = new TemporaryFolder();

        Assert.Null(ControlGroups.Free(root.Path));
    }

    [Fact]
    public void ControlGroups_SecondVersion_TheLeastOfTheGroupAndThoseAboveCounts()
    {
        using var root = new TemporaryFolder();
        Write(root, "proc/self/cgroup", "0::/outer/inner\n");
        Write(root, "proc/self/mountinfo", "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n");
        Write(root, "sys/fs/cgroup/outer/inner/memory.max", "max\n");
        Write(root, "sys/fs/cgroup/outer/memory.max", "1000\n");
        Write(root, "sys/fs/cgroup/outer/memory.current", "700\n");
        Write(root, "sys/fs/cgroup/outer/memory.stat", "anon 500\ninactive_file 150\n");

        Assert.Equal(1000 - (700 - 150), ControlGroups.Free(root.Path));
    }

    [Fact]
    public void ControlGroups_FirstVersion_LimitOfTheMountCounts()
    {
        using var root = new TemporaryFolder();
        Write(root, "proc/self/cgroup", "9:name=systemd:/x\n4:memory:/docker/1\n0::/\n");
        Write(root, "proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n36 31 0:33 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n");
        Write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "4000\n"); // within a container its group is the root
        Write(root, "sys/fs/cgroup/memory/memory.usage_in_bytes", "3000\n");
        Write(root, "sys/fs/cgroup/memory/memory.stat", "total_inactive_file 500\n");

        Assert.Equal(1500, ControlGroups.Free(root.Path));
    }

    [Fact]
    public void ControlGroups_NoLimit_IsNone()
    {
        using var root = new TemporaryFolder();
        Write(root, "proc/self/cgroup", "4:memory:/\n0::/\nnonsense\n");
        Write(root, "proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\nnonsense\n");
        Write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");

        Assert.Null(ControlGroups.Free(root.Path));
    }

    private static void Write(TemporaryFolder root, string file, string content)
    {
        var path = root.File(file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
