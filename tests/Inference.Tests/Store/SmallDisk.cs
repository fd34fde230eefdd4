using System.Diagnostics;

namespace Deepseek.Inference.Tests.Store;

/// <summary>A small file system in memory, which a test may fill: Linux alone, and only for root.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _point = Directory.CreateTempSubdirectory("deepseek-disk-").FullName;
    private readonly bool _mounted;

    /// <summary>Makes one, or skips the test where that is not allowed.</summary>
    /// <param name="bytes">Its size; the system rounds it up to pages.</param>
    public SmallDisk(long bytes)
    {
        _mounted = OperatingSystem.IsLinux() && Environment.UserName == "root"
            && Run("mount", "-t", "tmpfs", "-o", FormattableString.Invariant($"size={bytes}"), "deepseek-test", _point);
        if (_mounted)
            return;
        Directory.Delete(_point);
        Assert.Skip("A file system of a few megabytes is needed, which only root may mount, and only on Linux.");
    }

    public string Path => _point;

    /// <summary>Bytes that are left.</summary>
    public long Available => new DriveInfo(_point).AvailableFreeSpace;

    private string Filler => System.IO.Path.Combine(_point, "filler");

    public string File(string name) => System.IO.Path.Combine(_point, name);

    /// <summary>Fills the disk until no more than some bytes are left.</summary>
    public void Fill(long left)
    {
        using var filler = new FileStream(Filler, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0);
        filler.Seek(0, SeekOrigin.End);
        var zeros = new byte[4096];
        try
        {
            while (Available - zeros.Length >= left)
                filler.Write(zeros);
        }
        catch (IOException)
        {
            // As full as it gets.
        }
    }

    /// <summary>Makes room again.</summary>
    public void Empty() => System.IO.File.Delete(Filler);

    /// <summary>Forbids all writing, to root too.</summary>
    public void MakeReadOnly() => Assert.True(Run("mount", "-o", "remount,ro", _point), "The file system could not be made read-only.");

    public void Dispose()
    {
        if (!_mounted)
            return;
        Run("umount", "-l", _point);
        Directory.Delete(_point);
    }

    private static bool Run(string program, params string[] args)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // not installed
        }
    }
}
