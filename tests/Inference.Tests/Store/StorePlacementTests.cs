using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Offload;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Stores that span folders, as if each were a disk.</summary>
public sealed class StorePlacementTests(NanoStore nano)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ConvertAsync_OtherDisks_HaveExpertsOfEveryLayerBySpeed()
    {
        using var store = new TemporaryFolder();
        using var others = new TemporaryFolder();

        await StoreConverter.ConvertAsync(TestPaths.Nano, store.Path, Options(others, own: 1, second: 2, third: 1), cancellationToken: Cancellation);

        var shards = Directory.GetFiles(store.Path, "experts-*").ToLookup(path => new FileInfo(path).LinkTarget is { } target ? Path.GetDirectoryName(target) : null);
        Assert.Equal((12, 24, 12), (shards[null].Count(), shards[others.File("second")].Count(), shards[others.File("third")].Count()));
        foreach (var layer in Enumerable.Range(1, NanoStore.Layers))
            Assert.Equal(3, shards.Count(disk => disk.Any(path => Path.GetFileName(path).StartsWith(FormattableString.Invariant($"experts-{layer:D3}"), StringComparison.Ordinal))));
        Assert.All(Directory.GetFiles(others.File("second")), path => Assert.True(new FileInfo(path).Length > 0));
    }

    [Fact]
    public async Task Load_StoreOnThreeDisks_PagesFromAllAndGivesTheSameBits()
    {
        using var store = new TemporaryFolder();
        using var others = new TemporaryFolder();
        await StoreConverter.ConvertAsync(TestPaths.Nano, store.Path, Options(others), cancellationToken: Cancellation);
        using (var pages = PageStore.Open(store.Path))
        using (var shards = new DirectShards(store.Path, pages.Manifest.Layout))
            Assert.Equal(3, shards.Disks);
        var options = new ModelOptions { Threads = 2, LoadMultiTokenPrediction = false, Paging = new PagingOptions { RememberUsage = false } };

        using var resident = await LanguageModel.LoadAsync(store.Path, options, cancellationToken: Cancellation);
        using var paged = await LanguageModel.LoadAsync(store.Path, options with { Paging = options.Paging with { Slots = 9 } }, cancellationToken: Cancellation);

        Assert.Equal(nano.ResidentBits, PagedModelTests.Bits(resident));
        Assert.Equal(nano.ResidentBits, PagedModelTests.Bits(paged));
    }

    [Fact]
    public async Task ConvertAsync_InterruptedAndWithOtherSpeeds_GoesOnWhereItsFilesAre()
    {
        using var store = new TemporaryFolder();
        using var others = new TemporaryFolder();
        using var interrupted = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreConverter.ConvertAsync(
            TestPaths.Nano, store.Path, Options(others), new CancelAfter(5, interrupted), interrupted.Token));
        var links = Links(store.Path);
        File.Delete(Path.Combine(others.File("third"), Directory.GetFiles(others.File("third"))[0])); // a link that leads nowhere is made anew

        await StoreConverter.ConvertAsync(TestPaths.Nano, store.Path, Options(others, second: 5), cancellationToken: Cancellation);

        Assert.True(Links(store.Path).Count(links.Contains) >= links.Count - 1);
        Assert.True((await StoreVerifier.VerifyAsync(store.Path, cancellationToken: Cancellation)).IsSound);
        await StoreConverter.ConvertAsync(TestPaths.Nano, store.Path, Options(others), cancellationToken: Cancellation); // checks it
    }

    [Fact]
    public async Task ConvertAsync_OtherFolderHoldsAFileOfThatName_RefusesAndKeepsIt()
    {
        using var store = new TemporaryFolder();
        using var others = new TemporaryFolder();
        Directory.CreateDirectory(others.File("second"));
        for (var part = 0; part < StorePlacement.Parts; part++)
            File.WriteAllText(Path.Combine(others.File("second"), $"experts-001-{part}.safetensors"), "mine");

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(TestPaths.Nano, store.Path, Options(others), cancellationToken: Cancellation));

        Assert.EndsWith("safetensors: The file is no part of this conversion. Give an empty folder, or one that does not exist yet.", fault.Message, StringComparison.Ordinal);
        Assert.All(Directory.GetFiles(others.File("second"), "experts-001-*"), path => Assert.Equal("mine", File.ReadAllText(path)));
    }

    [Fact]
    public void Validate_Faults_AreAllNamed()
    {
        var options = new StoreOptions { Also = [new StoreDisk(" ", 0), new StoreDisk("x", double.NaN)], Speed = -1 };

        Assert.Equal(
            "StoreOptions: Also has a folder without a name; it must be a path. Also has the speed 0; it must be above 0. Also has the speed NaN; it must be above 0. Speed is -1; it must be above 0.",
            Assert.Throws<ArgumentException>(options.Validate).Message);
        Assert.Equal("StoreOptions: Also is null; it must be a list, empty for no other disks.", Assert.Throws<ArgumentException>(new StoreOptions { Also = null! }.Validate).Message);
    }

    private static StoreOptions Options(TemporaryFolder others, double own = 1, double second = 1, double third = 1) => new()
    {
        Speed = own,
        Also = [new StoreDisk(others.File("second"), second), new StoreDisk(others.File("third"), third)],
    };

    private static HashSet<(string, string?)> Links(string folder) => [.. Directory.GetFileSystemEntries(folder, "experts-*").Select(path => (path, new FileInfo(path).LinkTarget))];

    private sealed class CancelAfter(int pages, CancellationTokenSource source) : IProgress<ConvertProgress>
    {
        private int _pages;

        public void Report(ConvertProgress value)
        {
            if (Interlocked.Increment(ref _pages) == pages)
                source.Cancel();
        }
    }
}
