using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>Disks that fail, lie or dawdle: the call fails with a typed error, and the model stays usable.</summary>
public sealed class PagedExpertsFaultTests(NanoStore store)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Take_DiskThatFailsTwice_TriesAgain()
    {
        using var experts = Page(shards => shards.Before = (read, _, _) =>
        {
            if (read < 2)
                throw new IOException("The disk hiccups.");
        });

        _ = PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 0);

        Assert.Equal((2, 1), (experts.Statistics.Retries, experts.Statistics.Misses));
    }

    [Fact]
    public void Take_DiskThatFails_ThrowsAndIsUsableAfterwards()
    {
        var broken = true;
        string? path = null;
        using var experts = Page(shards =>
        {
            path = shards.PathOf(1);
            shards.Before = (_, _, offset) =>
            {
                if (Volatile.Read(ref broken))
                    throw new IOException("The disk is gone");
            };
        });

        for (var i = 0; i < 5; i++) // more often than there are slots: none is lost
        {
            var fault = Assert.Throws<StoreReadException>(() => PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 0, 1));
            Assert.Equal($"{path}: page 1 could not be read, tried 3 times: The disk is gone. Check the disk and that the file is whole (deepseek verify STORE), then ask again.", fault.Message.Replace("page 2", "page 1", StringComparison.Ordinal));
            Assert.Equal((path, 3), (fault.File, fault.Attempts));
            Assert.InRange(fault.Page, 1, 2);
            Assert.IsType<IOException>(fault.InnerException);
        }

        Volatile.Write(ref broken, false);
        Assert.Equal(2, PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 0, 1).Length);
    }

    [Fact]
    public void Take_BytesLostOnce_ReadsTheRecordAgain()
    {
        using var experts = Page(shards => shards.After = (bytes, read) =>
        {
            if (read.Read == 0)
                bytes[100] ^= 1;
        });

        var bytes = PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 0);

        using var whole = Page(_ => { });
        Assert.Equal(PagedExpertsTests.Bytes(whole, 1, ExpertUse.Decode, 0), bytes);
    }

    [Fact]
    public void Take_DamagedPage_ThrowsWithBothChecksums()
    {
        using var experts = Page(shards => shards.After = (bytes, read) => bytes[100] ^= 1);

        var fault = Assert.Throws<StoreCorruptedException>(() => PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 3));

        Assert.Equal(4, fault.Page);
        Assert.NotEqual(fault.Expected, fault.Actual);
    }

    [Theory]
    [InlineData(ChecksumPolicy.First, false)]
    [InlineData(ChecksumPolicy.Always, true)]
    [InlineData(ChecksumPolicy.Never, false)]
    public void Take_PageDamagedAfterItsFirstRead_IsNoticedAsThePolicySays(ChecksumPolicy policy, bool notices)
    {
        var damaged = policy == ChecksumPolicy.Never;
        using var experts = Page(shards => shards.After = (bytes, _) => bytes[100] ^= (byte)(Volatile.Read(ref damaged) ? 1 : 0), slots: 1, policy);
        _ = PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 0);
        _ = PagedExpertsTests.Bytes(experts, 2, ExpertUse.Decode, 0);
        Volatile.Write(ref damaged, true);

        var fault = Record.Exception(() => PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 0));

        Assert.Equal(notices, fault is StoreCorruptedException);
    }

    [Fact]
    public void Take_SlowDiskAndCancellation_EndsInTheMiddleOfARead()
    {
        using var release = new ManualResetEventSlim();
        using var cancelled = new CancellationTokenSource();
        using var experts = Page(shards => shards.Before = (_, _, _) => release.Wait(Cancellation));
        using (var batch = experts.Rent(NanoStore.Of(1, 0, 1), ExpertUse.Decode, cancelled.Token))
        {
            cancelled.CancelAfter(30);
            Assert.Throws<OperationCanceledException>(() => batch.Take(new int[2]));
        }

        release.Set();
        Assert.Equal(2, PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 0, 1).Length);
        Assert.True(experts.Statistics.Hits > 0, "What was under way when the call was cancelled is of use to the next.");
    }

    [Fact]
    public void Take_PrefetchThatFails_HarmsNobody()
    {
        var broken = true;
        using var experts = Page(shards => shards.Before = (_, _, _) =>
        {
            if (Volatile.Read(ref broken))
                throw new IOException("Gone.");
        });
        experts.Prefetch(NanoStore.Of(1, 0, 1));
        PagedExpertsTests.WaitFor(() => experts.Statistics is { Prefetches: > 0, Retries: >= 2 });
        Volatile.Write(ref broken, false);

        Assert.Equal(2, PagedExpertsTests.Bytes(experts, 1, ExpertUse.Decode, 0, 1).Length);
    }

    [Fact]
    public async Task Forward_FileThatIsCutWhileRunning_ThrowsAndTheModelStaysUsable()
    {
        using var copy = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(store.Folder))
            File.Copy(file, copy.File(Path.GetFileName(file)));
        using var model = await LanguageModel.LoadAsync(copy.Path, new ModelOptions { Threads = 2, Paging = new PagingOptions { Slots = 4, RememberUsage = false } }, cancellationToken: Cancellation);
        var shard = copy.File("experts-003.safetensors");
        var whole = await File.ReadAllBytesAsync(shard, Cancellation);
        using (var cut = new FileStream(shard, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            cut.SetLength(8192);
        using var cache = model.CreateCache();

        var fault = Assert.Throws<StoreReadException>(() => model.Forward(new[] { 5, 6 }, cache, cancellationToken: Cancellation));

        Assert.StartsWith($"{shard}: page ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("could not be read, tried 3 times: The file ends at byte", fault.Message, StringComparison.Ordinal);
        Assert.Equal(0, cache.Length);
        await using (var mended = new FileStream(shard, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            await mended.WriteAsync(whole, Cancellation);
        Assert.Equal(store.ResidentBits, PagedModelTests.Bits(model));
    }

    [Fact]
    public async Task Dispose_WhileAPassRuns_WaitsForIt()
    {
        var model = await store.LoadAsync(4);
        using var cache = model.CreateCache();
        using var begun = new ManualResetEventSlim();
        var pass = Task.Run(
            () =>
            {
                begun.Set();
                for (var i = 0; i < 50; i++)
                    model.Forward(new[] { i }, cache, cancellationToken: Cancellation).Dispose();
            }, Cancellation);
        begun.Wait(Cancellation);

        model.Dispose();

        // The pass under way ends as it would; the next one is refused.
        var fault = await Record.ExceptionAsync(() => pass);
        Assert.True(fault is null or ObjectDisposedException, $"{fault}");
    }

    private PagedExperts Page(Action<SpoiledShards> spoil, int slots = 3, ChecksumPolicy checksums = ChecksumPolicy.First) => store.Page(
        new PagedExpertsOptions { Slots = slots, Checksums = checksums },
        shards =>
        {
            var spoiled = new SpoiledShards(shards);
            spoil(spoiled);
            return spoiled;
        });
}
