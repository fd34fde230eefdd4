using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Planning;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Store;

namespace Deepseek.Inference.Tests.Planning;

public sealed class DiskProbeTests(MadeStore made) : IClassFixture<MadeStore>
{
    private const long SmallFile = 64L << 20;

    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void Measure_Store_ReadsItsRecordsAndNothingElse()
    {
        var before = Directory.GetFiles(made.Folder).Order();

        var reading = DiskProbe.Read(made.Folder, 2, Short, TestContext.Current.CancellationToken);

        Assert.True(reading.GigabytesPerSecond > 0);
        Assert.Equal("records of the store", reading.What);
        Assert.Equal(before, Directory.GetFiles(made.Folder).Order());
        Assert.True(DiskProbe.Measure(made.Folder, cancellationToken: TestContext.Current.CancellationToken) > 0);
    }

    [Fact]
    public void OfStore_EveryExpert_IsAPieceOnAlignedPlaces()
    {
        var pieces = DiskPieces.OfStore(made.Folder);

        Assert.NotEmpty(pieces);
        Assert.Equal(pieces.Count, pieces.Distinct().Count());
        Assert.All(pieces, piece => Assert.True(piece.Offset % 4096 == 0 && piece.Length % 4096 == 0 && piece.Offset + piece.Length <= new FileInfo(piece.Path).Length));
    }

    [Fact]
    public void Read_AnyFolder_LeavesNothingThere()
    {
        using var folder = new TemporaryFolder();

        var reading = DiskProbe.Read(folder.Path, 4, Short, TestContext.Current.CancellationToken, SmallFile);

        Assert.True(reading.GigabytesPerSecond > 0);
        Assert.InRange(reading.Bytes, DiskPieces.PieceBytes, SmallFile);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Read_Cancelled_LeavesNothingThere()
    {
        using var folder = new TemporaryFolder();

        Assert.Throws<OperationCanceledException>(() => DiskProbe.Read(folder.Path, 1, Short, new CancellationToken(canceled: true), SmallFile));
        Assert.Throws<OperationCanceledException>(() => DiskProbe.Read(made.Folder, 1, Short, new CancellationToken(canceled: true)));

        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Read_MissingFolder_IsNamed()
    {
        var fault = Assert.Throws<DirectoryNotFoundException>(() => DiskProbe.Measure("no/such/folder"));

        Assert.Equal("There is no folder \"no/such/folder\"; it must be one on the disk that is to be measured, or a page store.", fault.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void Read_ImpossibleReaders_AreRefused(int readers)
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => DiskProbe.Measure(".", readers));

        Assert.StartsWith("There must be 1 to 64 readers.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_StoreWithoutAShard_IsRefused()
    {
        using var copy = made.Copy();
        File.Delete(Directory.GetFiles(copy.Path, "experts-*").First());

        Assert.Throws<CheckpointFormatException>(() => DiskProbe.Measure(copy.Path, cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void ReadPieces_FileThatEndsTooSoon_IsAFaultOfTheDisk()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("short"), new byte[4096]);

        var fault = Assert.Throws<IOException>(() => DiskProbe.ReadPieces([new DiskPiece(folder.File("short"), 4096, 4096)], 2, Short, "a file", TestContext.Current.CancellationToken));

        Assert.Equal("The disk could not be measured: The file ends at byte 4096.", fault.Message);
    }

    [Fact]
    public void OfFile_Length_IsCutIntoWholePieces()
    {
        Assert.Empty(DiskPieces.OfFile("file", DiskPieces.PieceBytes - 1));
        Assert.Equal([new DiskPiece("file", 0, DiskPieces.PieceBytes), new DiskPiece("file", DiskPieces.PieceBytes, DiskPieces.PieceBytes)], DiskPieces.OfFile("file", (2L * DiskPieces.PieceBytes) + 4096));
    }

    [Fact]
    public void Read_DiskWithTooLittleSpace_SaysWhatIsNeeded()
    {
        using var disk = new SmallDisk(32 << 20);

        var fault = Assert.Throws<DiskSpaceException>(() => DiskProbe.Measure(disk.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal((128L << 20, disk.Path), (fault.Needed, fault.Folder));
        Assert.Empty(Directory.GetFileSystemEntries(disk.Path));
    }

    [Fact]
    public void Read_FolderThatTakesNoFiles_SaysSo()
    {
        using var disk = new SmallDisk(256 << 20);
        disk.MakeReadOnly();

        var fault = Assert.ThrowsAny<IOException>(() => DiskProbe.Measure(disk.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"The folder \"{disk.Path}\" cannot be written to; a measurement needs a file there for some seconds. Name another folder on the disk, or a page store, which is only read.", fault.Message);
    }
}
