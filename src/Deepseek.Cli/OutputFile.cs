namespace Deepseek.Cli;

/// <summary>A file that a verb will write when its work is done; whether it can is asked before.</summary>
internal static class OutputFile
{
    /// <summary>Refuses a path that cannot become a file, so that no long work is lost.</summary>
    /// <param name="path">The file.</param>
    /// <param name="option">What named it, for messages; null where it was no option.</param>
    /// <exception cref="IOException">The path is a folder, its folder is missing or may not be written, or it is a device.</exception>
    public static void RequireWritable(string path, string? option = "--out")
    {
        if (Directory.Exists(path))
            throw new IOException($"{path} is a folder; name a file in it.");
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder {folder} for {Path.GetFileName(path)}; create it first.");
        if (!OperatingSystem.IsWindows() && folder == "/dev")
            throw new IOException($"{path} is a device; the file is written beside its place and then moved there. Name an ordinary file.");

        try
        {
            var probe = Path.Combine(folder, $".{Guid.NewGuid():N}.partial");
            using var file = new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} cannot be written: {fault.Message} Choose another folder{(option is null ? "" : $" with {option}")}.", fault);
        }
    }
}
