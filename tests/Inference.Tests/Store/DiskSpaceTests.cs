using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Store;

public sealed class DiskSpaceTests
{
    [Fact]
    public void Require_MoreThanTheDiskHas_NamesFolderAndSizes()
    {
        using var folder = new TemporaryFolder();
        var future = folder.File("not/yet/there");

        var error = Assert.Throws<DiskSpaceException>(() => DiskSpace.Require(future, long.MaxValue));

        Assert.Equal((future, long.MaxValue), (error.Folder, error.Needed));
        Assert.InRange(error.Available, 1, long.MaxValue - 1);
    }

    [Fact]
    public void Require_NoMoreThanTheDiskHas_Passes()
    {
        using var folder = new TemporaryFolder();

        DiskSpace.Require(folder.Path, 1);

        Assert.InRange(DiskSpace.Available(folder.Path)!.Value, 1, long.MaxValue);
    }

    [Fact]
    public void Guard_DiskBecomesFull_NamesWhatWasLeftToWrite()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full, a file that is always full.");
        using var folder = new TemporaryFolder();
        using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);

        var error = Assert.Throws<DiskSpaceException>(() => DiskSpace.Guard(folder.Path, () => 1234, () => RandomAccess.Write(full, new byte[4096], 0)));

        Assert.Equal((folder.Path, 1234), (error.Folder, error.Needed));
        Assert.IsType<IOException>(error.InnerException);
    }

    [Fact]
    public void Guard_AnotherFault_IsThrownAsItIs()
    {
        using var folder = new TemporaryFolder();

        Assert.Throws<FileNotFoundException>(() => DiskSpace.Guard(folder.Path, () => 1, () => File.ReadAllBytes(folder.File("missing"))));
    }

    [Fact]
    public void IsFull_CodesOfAFullDisk_AreKnown()
    {
        int[] full = OperatingSystem.IsWindows() ? [unchecked((int)0x80070027), unchecked((int)0x80070070), unchecked((int)0x8007050F)] : [28, OperatingSystem.IsMacOS() ? 69 : 122];

        Assert.All(full, code => Assert.True(DiskSpace.IsFull(new IOException("", code))));
        Assert.False(DiskSpace.IsFull(new IOException("", 5)));
    }
}
