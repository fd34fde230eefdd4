namespace Deepseek.Cli.Tests;

public sealed class OutputFileTests
{
    [Fact]
    public void RequireWritable_NewOrOldFile_LeavesNoTrace()
    {
        using TemporaryFolder folder = new();
        var old = folder.Write("old", "content");

        OutputFile.RequireWritable(old);
        OutputFile.RequireWritable(folder.File("new"));

        Assert.Equal([old], Directory.EnumerateFileSystemEntries(folder.Path));
        Assert.Equal("content", File.ReadAllText(old));
    }

    [Fact]
    public void RequireWritable_Folder_IsRefused()
    {
        using TemporaryFolder folder = new();

        Assert.Equal($"{folder.Path} is a folder; name a file in it.", Assert.Throws<IOException>(() => OutputFile.RequireWritable(folder.Path)).Message);
    }

    [Fact]
    public void RequireWritable_MissingFolder_IsNamed()
    {
        using TemporaryFolder folder = new();

        var fault = Assert.Throws<DirectoryNotFoundException>(() => OutputFile.RequireWritable(folder.File("a/b")));

        Assert.Equal($"There is no folder {folder.File("a")} for b; create it first.", fault.Message);
    }

    [Fact]
    public void RequireWritable_FolderWithoutPermission_SaysSo()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc, where nobody may create files, is Linux's.");

        var fault = Assert.Throws<IOException>(() => OutputFile.RequireWritable("/proc/logits"));

        Assert.StartsWith("/proc/logits cannot be written: ", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith(" Choose another folder with --out.", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith(" Choose another folder with --save.", Assert.Throws<IOException>(() => OutputFile.RequireWritable("/proc/a", "--save")).Message, StringComparison.Ordinal);
        Assert.EndsWith(" Choose another folder.", Assert.Throws<IOException>(() => OutputFile.RequireWritable("/proc/a", option: null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RequireWritable_Device_IsNotReplacedByAFile()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no device files.");

        var fault = Assert.Throws<IOException>(() => OutputFile.RequireWritable("/dev/null"));

        Assert.Contains("is a device", fault.Message, StringComparison.Ordinal);
    }
}
