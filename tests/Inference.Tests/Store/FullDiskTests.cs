using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Conversions onto a disk that is or becomes full, or may not be written to.</summary>
public sealed class FullDiskTests
{
    private const long Large = 16 << 20;

    private static readonly string Checkpoint = Fixture.Folder("v3-mtp");

    [Fact]
    public async Task ConvertAsync_TooLittleRoom_IsRefusedBeforeAnythingIsWritten()
    {
        using var disk = new SmallDisk(1 << 20);
        using var whole = await Stores.ConvertAsync(Checkpoint);
        disk.Fill(200_000);
        var left = disk.Available;

        var fault = await Assert.ThrowsAsync<DiskSpaceException>(() => StoreConverter.ConvertAsync(Checkpoint, disk.File("store"), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal((disk.File("store"), left), (fault.Folder, fault.Available));
        // All that a store holds, and a line of the journal for every page.
        Assert.InRange(fault.Needed, Stores.Files(whole.Path).Values.Sum(file => file.LongLength), Stores.Files(whole.Path).Values.Sum(file => file.LongLength) + 30_000);
        Assert.Contains($"{disk.File("store")}: ", fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(disk.File("store")));
    }

    [Fact]
    public async Task ConvertAsync_JustEnoughRoom_Finishes()
    {
        using var disk = new SmallDisk(Large);
        using var whole = await Stores.ConvertAsync(Checkpoint);
        Directory.CreateDirectory(disk.File("store"));
        disk.Fill(4096);
        var fault = await Assert.ThrowsAsync<DiskSpaceException>(() => StoreConverter.ConvertAsync(Checkpoint, disk.File("store"), cancellationToken: TestContext.Current.CancellationToken));
        disk.Empty();
        // Files end within pages of memory, on average in their middle.
        disk.Fill(fault.Needed + (4096 * (Stores.Files(whole.Path).Count + 4)));

        await StoreConverter.ConvertAsync(Checkpoint, disk.File("store"), cancellationToken: TestContext.Current.CancellationToken);

        Stores.AssertSameFiles(whole.Path, disk.File("store"));
    }

    [Fact]
    public void Create_TooLittleRoom_TakesNoneAndSaysWhatIsNeeded()
    {
        using var disk = new SmallDisk(Large);
        disk.Fill(100_000);

        var fault = Assert.Throws<DiskSpaceException>(() => DiskSpace.Create(disk.File("shard"), 1_000_000));

        Assert.Equal((disk.Path, 1_000_000), (fault.Folder, fault.Needed));
        Assert.InRange(fault.Available, 1, 100_000 + 4096);
        Assert.IsType<IOException>(fault.InnerException);
        Assert.False(File.Exists(disk.File("shard")));
    }

    [Fact]
    public void Create_EnoughRoom_TakesIt()
    {
        using var disk = new SmallDisk(Large);
        var before = disk.Available;

        using var file = DiskSpace.Create(disk.File("shard"), 1_000_000);

        Assert.InRange(before - disk.Available, 1_000_000, 1_010_000);
        Assert.Equal(0, RandomAccess.GetLength(file));
    }

    [Fact]
    public async Task ConvertAsync_DiskFullWhilePagesAreWritten_StopsAndIsTakenUp()
    {
        using var disk = new SmallDisk(Large);
        using var whole = await Stores.ConvertAsync(Checkpoint);
        var store = disk.File("store");
        await InterruptAsync(store, pages: 60);
        // What a copy makes of an unfinished store: pages that were never written take no room.
        foreach (var shard in Directory.EnumerateFiles(store, "*.safetensors"))
            MakeSparse(shard);
        disk.Fill(100_000);

        var fault = await Assert.ThrowsAsync<DiskSpaceException>(() => StoreConverter.ConvertAsync(Checkpoint, store, new StoreOptions { Threads = 2 }, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(store, fault.Folder);
        Assert.InRange(fault.Needed, 1, Stores.Files(whole.Path).Values.Sum(file => file.LongLength));
        Assert.IsAssignableFrom<IOException>(fault.InnerException);
        Assert.False(File.Exists(Path.Combine(store, "store.json")));
        disk.Empty();
        await StoreConverter.ConvertAsync(Checkpoint, store, cancellationToken: TestContext.Current.CancellationToken);
        Stores.AssertSameFiles(whole.Path, store);
    }

    [Fact]
    public async Task ConvertAsync_DiskFullOnceAllPagesAreThere_StopsAndIsTakenUp()
    {
        using var checkpoint = new AlteredCheckpoint("v3-bf16").Write();
        await File.WriteAllBytesAsync(checkpoint.File("tokenizer.json"), new byte[300_000], TestContext.Current.CancellationToken);
        using var disk = new SmallDisk(Large);
        using var whole = await Stores.ConvertAsync(checkpoint.Path);
        var store = disk.File("store");
        var filled = 0;
        var fill = new Report(() => { if (Interlocked.Exchange(ref filled, 1) == 0) disk.Fill(20_000); }); // the pages' journal fits, the tokenizer does not

        var fault = await Assert.ThrowsAsync<DiskSpaceException>(() => StoreConverter.ConvertAsync(checkpoint.Path, store, null, fill, TestContext.Current.CancellationToken));

        Assert.Equal(store, fault.Folder);
        Assert.DoesNotContain(Directory.EnumerateFiles(store), path => path.EndsWith(".partial", StringComparison.Ordinal) || path.EndsWith(".json", StringComparison.Ordinal));
        disk.Empty();
        await StoreConverter.ConvertAsync(checkpoint.Path, store, cancellationToken: TestContext.Current.CancellationToken);
        Stores.AssertSameFiles(whole.Path, store);
    }

    [Fact]
    public async Task RepairAsync_FullDisk_StopsAndIsTakenUp()
    {
        using var checkpoint = new AlteredCheckpoint("v3-bf16").Write();
        await File.WriteAllBytesAsync(checkpoint.File("tokenizer.json"), new byte[100_000], TestContext.Current.CancellationToken);
        using var disk = new SmallDisk(Large);
        using var whole = await Stores.ConvertAsync(checkpoint.Path);
        var store = disk.File("store");
        await StoreConverter.ConvertAsync(checkpoint.Path, store, cancellationToken: TestContext.Current.CancellationToken);

        foreach (var name in new[] { "experts-001.safetensors", "tokenizer.json" })
        {
            File.Delete(Path.Combine(store, name));
            disk.Fill(8192);
            var fault = await Assert.ThrowsAsync<DiskSpaceException>(() => StoreVerifier.RepairAsync(store, checkpoint.Path, cancellationToken: TestContext.Current.CancellationToken));
            Assert.Equal(store, fault.Folder);
            Assert.DoesNotContain(Directory.EnumerateFiles(store), path => path.EndsWith(".partial", StringComparison.Ordinal));
            disk.Empty();
            await StoreVerifier.RepairAsync(store, checkpoint.Path, cancellationToken: TestContext.Current.CancellationToken);
            Stores.AssertSameFiles(whole.Path, store);
        }
    }

    [Fact]
    public async Task ConvertAsync_ReadOnlyDisk_NamesTheFolder()
    {
        using var disk = new SmallDisk(Large);
        using var whole = await Stores.ConvertAsync(Checkpoint);
        await InterruptAsync(disk.File("unfinished"), pages: 20);
        Directory.CreateDirectory(disk.File("empty"));
        await StoreConverter.ConvertAsync(Checkpoint, disk.File("finished"), cancellationToken: TestContext.Current.CancellationToken);
        disk.MakeReadOnly();

        foreach (var name in new[] { "unfinished", "empty", "absent" })
        {
            var fault = await Assert.ThrowsAnyAsync<IOException>(() => StoreConverter.ConvertAsync(Checkpoint, disk.File(name), cancellationToken: TestContext.Current.CancellationToken));
            Assert.Contains(disk.File(name), fault.Message, StringComparison.Ordinal);
            Assert.Contains("Read-only file system", fault.Message, StringComparison.Ordinal);
        }

        // What is finished is only read.
        await StoreConverter.ConvertAsync(Checkpoint, disk.File("finished"), cancellationToken: TestContext.Current.CancellationToken);
        Stores.AssertSameFiles(whole.Path, disk.File("finished"));
    }

    [Fact]
    public async Task ConvertAsync_FolderThatMayNotBeWritten_IsNamed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.UserName == "root", "Permissions do not bind root, and Windows has others.");
        using var folder = new TemporaryFolder();
        if (!OperatingSystem.IsWindows()) // which the analyzer does not see above
            File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var fault = await Assert.ThrowsAsync<UnauthorizedAccessException>(() => StoreConverter.ConvertAsync(Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Contains(folder.Path, fault.Message, StringComparison.Ordinal);
    }

    private static async Task InterruptAsync(string store, int pages)
    {
        using var cancel = new CancellationTokenSource();
        var seen = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreConverter.ConvertAsync(
            Checkpoint, store, new StoreOptions { Threads = 1 }, new Report(() => { if (Interlocked.Increment(ref seen) == pages) cancel.Cancel(); }), cancel.Token));
    }

    private static void MakeSparse(string path)
    {
        var bytes = File.ReadAllBytes(path);
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        RandomAccess.SetLength(file, bytes.Length);
        for (var at = 0; at < bytes.Length; at += 4096)
        {
            var part = bytes.AsSpan(at, Math.Min(4096, bytes.Length - at));
            if (part.ContainsAnyExcept((byte)0))
                RandomAccess.Write(file, part, at);
        }
    }

    private sealed class Report(Action on) : IProgress<ConvertProgress>
    {
        void IProgress<ConvertProgress>.Report(ConvertProgress value) => on();
    }
}
