using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

/// <summary>What a kill may leave at every step of a conversion, and what becomes of it.</summary>
public sealed class StoreWriterTests(MadeStore made) : IClassFixture<MadeStore>
{
    public static TheoryData<string, string?, string?> States => new()
    {
        // What is there beside the shards and the journal of 40 pages, and what its bytes are: null deletes, text writes.
        { "an empty folder", "*", null },
        { "shards without the journal's title", "convert.journal", "" },
        { "a journal cut within its title", "convert.journal", "deepseek conversion 2 01" },
        { "a shard not yet made", "experts-003.safetensors", null },
        { "a shard without its length", "experts-003.safetensors", "" },
        { "a shard with some of its length", "resident.safetensors", "some" },
        { "a file that was being written", "tokenizer.json.partial", "{" },
        { "a file of an earlier checkpoint", "tokenizer.json", "{}" },
        { "a manifest that was being written", "store.json.partial", "{" },
        { "kept files", "convert.kept-0.safetensors", "energies" },
        { "kept files that were being written", "convert.kept-0.safetensors.1.partial", "" },
    };

    [Theory, MemberData(nameof(States))]
    public async Task ConvertAsync_StateThatAKillLeaves_IsFinished(string state, string? file, string? content)
    {
        Assert.NotEmpty(state);
        using var folder = new TemporaryFolder();
        await InterruptAsync(made.Checkpoint, folder.Path);
        foreach (var path in Directory.EnumerateFiles(folder.Path, file!))
            File.Delete(path);
        if (content is not null)
            await File.WriteAllTextAsync(folder.File(file!), content, TestContext.Current.CancellationToken);

        await StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Fact]
    public async Task ConvertAsync_AllPagesThere_IsFinishedWithoutWritingThem()
    {
        using var folder = new TemporaryFolder();
        await InterruptAsync(made.Checkpoint, folder.Path, pages: int.MaxValue);
        List<ConvertProgress> reports = [];

        await StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, progress: new Reports(reports.Add), cancellationToken: TestContext.Current.CancellationToken);

        var report = Assert.Single(reports);
        Assert.Equal((report.BytesTotal, ""), (report.BytesDone, report.Current));
        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Theory]
    [InlineData("99 0 00000000000000000000000000000000")]
    [InlineData("0 99999 00000000000000000000000000000000")]
    [InlineData("2 5 00000000000000000000000000000000")]
    [InlineData("-1 -1 00000000000000000000000000000000")]
    public async Task ConvertAsync_JournalOfPagesThatAreNotThere_IsNotBelieved(string line)
    {
        using var folder = new TemporaryFolder();
        await InterruptAsync(made.Checkpoint, folder.Path);
        var check = XxHash32.HashToUInt32(Encoding.ASCII.GetBytes(line)).ToString("x8", CultureInfo.InvariantCulture);
        await File.AppendAllTextAsync(folder.File("convert.journal"), $"{line} {check}\n", TestContext.Current.CancellationToken);

        await StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Fact]
    public async Task ConvertAsync_StrangerInAnUnfinishedStore_IsRefusedAndWhatIsDoneIsKept()
    {
        using var folder = new TemporaryFolder();
        await InterruptAsync(made.Checkpoint, folder.Path);
        await File.WriteAllTextAsync(folder.File("holiday.jpg"), "mine", TestContext.Current.CancellationToken);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken));
        File.Delete(folder.File("holiday.jpg"));
        List<ConvertProgress> reports = [];
        await StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, progress: new Reports(reports.Add), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal($"{folder.Path}: holiday.jpg: The folder holds a file that is no part of this store. Give an empty folder, or one that does not exist yet.", fault.Message);
        Assert.True(reports[0].BytesDone > 0);
        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Fact]
    public async Task ConvertAsync_StrangerBesideATornJournal_DoesNotSpoilIt()
    {
        using var folder = new TemporaryFolder();
        await InterruptAsync(made.Checkpoint, folder.Path);
        await File.WriteAllTextAsync(folder.File("convert.journal"), "deepseek con", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("holiday.jpg"), "mine", TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken));
        File.Delete(folder.File("holiday.jpg"));
        await StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Fact]
    public async Task ConvertAsync_UnfinishedConversionOfAModelOfTheSameShape_IsNotTakenUp()
    {
        // R1 and V3 have one configuration and one list of tensors: pages of both would make a store that looks sound.
        using var first = new AlteredCheckpoint("v3-bf16").Write();
        using var second = new AlteredCheckpoint("v3-bf16").Set("model.layers.2.self_attn.o_proj.weight", TensorType.BF16, [64, 64]).Write();
        using var folder = new TemporaryFolder();
        await InterruptAsync(first.Path, folder.Path);
        var before = Stores.Files(folder.Path);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(second.Path, folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.Path}: The folder holds an unfinished conversion with other options or of another checkpoint. Give those again to finish it, or another folder, or remove this one.", fault.Message);
        Assert.Equal(before, Stores.Files(folder.Path));
    }

    [Fact]
    public void Write_FinishedMeanwhile_IsRefusedAndUntouched()
    {
        using var folder = made.Copy();
        using var source = CheckpointFolder.Open(made.Checkpoint);
        var config = ModelConfig.Load(made.Checkpoint);
        var plan = StorePlan.Create(config, StoreModel.From(source.ReadConfiguration()), new CheckpointContent(source, config, CheckpointContent.By(new StoreOptions(), config), null), prediction: true);

        var fault = Assert.Throws<CheckpointFormatException>(() => new StoreWriter(plan, folder.Path, [], 1).Write(5, null, TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.Path}: The folder holds a finished store, of another process perhaps. Give the same command again to check it, or another folder.", fault.Message);
        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Fact]
    public async Task ConvertAsync_ManyAtOnce_MakeOneSoundStore()
    {
        for (var round = 0; round < 5; round++)
        {
            using var folder = new TemporaryFolder();
            var faults = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Record.ExceptionAsync(
                () => StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, new StoreOptions { Threads = 2 }, cancellationToken: TestContext.Current.CancellationToken)).AsTask()));

            Assert.Contains(faults, fault => fault is null);
            Assert.All(faults, fault => Assert.True(fault is null or CheckpointFormatException, fault?.ToString()));
            await StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken);
            Stores.AssertSameFiles(made.Folder, folder.Path);
        }
    }

    [Fact]
    public void CheckTarget_EveryKindOfFolder_IsJudgedAndLeftAsItIs()
    {
        using var folder = new TemporaryFolder();
        using var finished = made.Copy();
        using var strange = new TemporaryFolder();
        File.WriteAllText(strange.File("holiday.jpg"), "mine");
        var before = Stores.Files(finished.Path);

        Assert.False(StoreConverter.CheckTarget(made.Checkpoint, folder.File("absent")));
        Assert.False(StoreConverter.CheckTarget(made.Checkpoint, folder.Path));
        Assert.True(StoreConverter.CheckTarget(made.Checkpoint, finished.Path));
        var stranger = Assert.Throws<CheckpointFormatException>(() => StoreConverter.CheckTarget(made.Checkpoint, strange.Path));
        var options = Assert.Throws<CheckpointFormatException>(() => StoreConverter.CheckTarget(made.Checkpoint, finished.Path, new StoreOptions { Head = StorePrecision.F32 }));
        var calibrated = Assert.Throws<CheckpointFormatException>(() => StoreConverter.CheckTarget(made.Checkpoint, finished.Path, calibrated: true));
        var faulty = Assert.Throws<ArgumentException>(() => StoreConverter.CheckTarget(made.Checkpoint, finished.Path, new StoreOptions { Threads = 0 }));

        Assert.Contains("holiday.jpg: The folder holds a file that is no part of this store.", stranger.Message, StringComparison.Ordinal);
        Assert.Equal($"{finished.Path}: The folder holds a finished store of another model or with other options. Give another folder, or remove this one.", options.Message);
        Assert.Equal(options.Message, calibrated.Message);
        Assert.Contains("Threads is 0", faulty.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        Assert.Equal(before, Stores.Files(finished.Path));
    }

    /// <summary>Stops a conversion after some pages; after all of them, where it has no more.</summary>
    private static async Task InterruptAsync(string checkpoint, string store, int pages = 40)
    {
        using var cancel = new CancellationTokenSource();
        var seen = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreConverter.ConvertAsync(checkpoint, store, new StoreOptions { Threads = 1 }, new Reports(report =>
        {
            if (Interlocked.Increment(ref seen) == pages || report.BytesDone == report.BytesTotal)
                cancel.Cancel();
        }), cancel.Token));
    }

    private sealed class Reports(Action<ConvertProgress> on) : IProgress<ConvertProgress>
    {
        public void Report(ConvertProgress value) => on(value);
    }
}
