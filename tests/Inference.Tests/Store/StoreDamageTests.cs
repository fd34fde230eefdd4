using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Every byte of a store counts: what is damaged is found by checking and by loading, and mended.</summary>
public sealed class StoreDamageTests(MadeStore made) : IClassFixture<MadeStore>
{
    [Fact]
    public async Task VerifyAsync_SoundStore_ChecksEveryPage()
    {
        List<ConvertProgress> reports = [];

        var found = await StoreVerifier.VerifyAsync(made.Folder, new Reports(reports), TestContext.Current.CancellationToken);

        var files = Stores.Files(made.Folder);
        Assert.True(found.IsSound);
        found.ThrowIfDamaged();
        Assert.Equal(files.Where(file => file.Key != "store.json").Sum(file => file.Value.LongLength), found.Bytes);
        Assert.Equal(found.Pages, reports.Count);
        Assert.Equal((found.Bytes, found.Bytes), (reports.Max(report => report.BytesDone), reports.Max(report => report.BytesTotal)));
    }

    [Fact]
    public void AnyBitFlipped_IsFoundAndMended()
    {
        using var folder = made.Copy();
        var files = Stores.Files(folder.Path);
        var names = files.Keys.Where(name => name != "store.json").ToList();
        var manifest = StoreManifestReader.Read(folder.Path);
        // Where shards begin and end, in headers and in padding, is where a check could forget something.
        var places = from name in Gen.Elements<string>(names)
                     from place in Gen.OneOf(Gen.Choose(0, int.MaxValue), Gen.Choose(0, 600), Gen.Choose(0, 600).Select(back => -1 - back))
                     from bit in Gen.Choose(0, 7)
                     select (name, offset: place < 0 ? Math.Max(0, files[name].Length + place) : place % files[name].Length, mask: (byte)(1 << bit));

        Prop.ForAll(places.ToArbitrary(), flip =>
        {
            Stores.Flip(folder.File(flip.name), flip.offset, flip.mask);

            var found = Wait(StoreVerifier.VerifyAsync(folder.Path));
            var damage = Assert.Single(found.Damage);
            Assert.Equal((flip.name, PageOf(manifest, flip.name, flip.offset)), (damage.File, damage.Page));
            Assert.NotEqual(damage.Expected, damage.Found);
            if (damage.Page >= 0)
            {
                var fault = Assert.Throws<StoreCorruptedException>(() => Wait(LanguageModel.LoadAsync(folder.Path)).Dispose());
                Assert.Equal((folder.File(flip.name), damage.Page, damage.Expected, damage.Found), (fault.File, fault.Page, fault.Expected, fault.Actual));
            }

            Assert.Equal(found.Damage, Wait(StoreVerifier.RepairAsync(folder.Path, made.Checkpoint)).Damage);
            Stores.AssertSameFiles(made.Folder, folder.Path);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(80));
    }

    [Fact]
    public async Task ManyBitsFlipped_AllAreFoundAndMended()
    {
        using var folder = made.Copy();
        var random = new Random(20250120);
        var (files, manifest) = (Stores.Files(folder.Path), StoreManifestReader.Read(folder.Path));
        SortedSet<(string, int)> damaged = [];
        foreach (var (name, bytes) in files.Where(file => file.Key != "store.json"))
        {
            for (var i = 0; i < 5; i++)
            {
                var offset = random.Next(bytes.Length);
                Stores.Flip(folder.File(name), offset, 0x10);
                damaged.Add((name, PageOf(manifest, name, offset)));
            }
        }

        var found = await StoreVerifier.RepairAsync(folder.Path, made.Checkpoint, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(damaged.OrderBy(one => one.Item1, StringComparer.Ordinal).ThenBy(one => one.Item2), found.Damage.Select(damage => (damage.File, damage.Page)));
        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Theory]
    [InlineData("resident.safetensors", 0)]
    [InlineData("resident.safetensors", 1)]
    [InlineData("experts-002.safetensors", 5000)]
    [InlineData("experts-002.safetensors", -1)]
    [InlineData("tokenizer.json", 0)]
    [InlineData("tokenizer.json", 100)]
    [InlineData("tokenizer.json", -1)]
    public async Task FileCutShort_IsFoundAndMended(string name, int length)
    {
        using var folder = made.Copy();
        using (var file = new FileStream(folder.File(name), FileMode.Open))
            file.SetLength(length >= 0 ? length : file.Length + length);

        var found = await StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);
        await StoreVerifier.RepairAsync(folder.Path, made.Checkpoint, cancellationToken: TestContext.Current.CancellationToken);

        Assert.All(found.Damage, damage => Assert.Equal(name, damage.File));
        Assert.Contains(length == 0 && name != "tokenizer.json" ? "empty" : name == "tokenizer.json" ? "bytes in place of" : "unreadable (The file ends at byte", found.Damage[^1].Found, StringComparison.Ordinal);
        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Theory]
    [InlineData("resident.safetensors", "followed by 3 more bytes")]
    [InlineData("experts-001.safetensors", "followed by 3 more bytes")]
    [InlineData("tokenizer_config.json", "bytes in place of")]
    public async Task BytesAppended_AreFoundAndCutOff(string name, string says)
    {
        using var folder = made.Copy();
        await File.AppendAllTextAsync(folder.File(name), "abc", TestContext.Current.CancellationToken);

        var found = await StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);
        var loading = name.EndsWith(".safetensors", StringComparison.Ordinal)
            ? await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken)) : null;
        await StoreVerifier.RepairAsync(folder.Path, made.Checkpoint, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Contains(says, Assert.Single(found.Damage).Found, StringComparison.Ordinal);
        Assert.Equal(name, found.Damage[0].File);
        Assert.True(loading is null || loading.File == folder.File(name));
        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Theory]
    [InlineData("resident.safetensors")]
    [InlineData("prediction.safetensors")]
    [InlineData("experts-003.safetensors")]
    [InlineData("tokenizer.json")]
    public async Task FileMissing_IsFoundAndMadeAgain(string name)
    {
        using var folder = made.Copy();
        File.Delete(folder.File(name));

        var found = await StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);
        await StoreVerifier.RepairAsync(folder.Path, made.Checkpoint, cancellationToken: TestContext.Current.CancellationToken);

        Assert.All(found.Damage, damage => Assert.Equal((name, "missing"), (damage.File, damage.Found)));
        var fault = Assert.Throws<StoreCorruptedException>(found.ThrowIfDamaged);
        Assert.Equal((folder.File(name), "missing"), (fault.File, fault.Actual));
        Stores.AssertSameFiles(made.Folder, folder.Path);
    }

    [Fact]
    public async Task ShardIsAPipe_IsNeverWaitedFor()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/mkfifo"), "There is no mkfifo.");
        using var folder = made.Copy();
        File.Delete(folder.File("experts-001.safetensors"));
        using (var process = System.Diagnostics.Process.Start("/usr/bin/mkfifo", folder.File("experts-001.safetensors")))
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        var loading = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));
        var found = await StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Contains("The shard has 0 bytes;", loading.Message, StringComparison.Ordinal);
        Assert.Equal("empty", found.Damage[0].Found);
    }

    [Fact]
    public async Task FilesThatAreLinks_AreFollowed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows lets administrators alone make links.");
        using var folder = new TemporaryFolder();
        foreach (var path in Directory.EnumerateFiles(made.Folder))
            File.CreateSymbolicLink(folder.File(Path.GetFileName(path)), path);

        var found = await StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Assert.True(found.IsSound);
        Assert.Equal(3, model.Config.LayerCount);
    }

    [Fact]
    public async Task VerifyAsync_Cancelled_Ends()
    {
        using var cancel = new CancellationTokenSource();
        List<ConvertProgress> reports = [];

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreVerifier.VerifyAsync(made.Folder, new Reports(reports, cancel.Cancel), cancel.Token));

        // Pages are tiny here: other threads may finish those of the first shard while one cancels.
        var pages = StoreManifestReader.Read(made.Folder).Layout.Shards.Sum(shard => shard.PageLengths.Count);
        Assert.InRange(reports.Count, 1, pages - 1);
    }

    private static int PageOf(StoreManifest manifest, string name, long offset)
    {
        var shard = manifest.Layout.Shards.SingleOrDefault(shard => shard.File == name);
        return shard is null ? -1 : shard.PageOffsets.Count(begin => begin <= offset) - 1;
    }

    private static T Wait<T>(Task<T> task) => task.WaitAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();

    private sealed class Reports(List<ConvertProgress> reports, Action? on = null) : IProgress<ConvertProgress>
    {
        public void Report(ConvertProgress value)
        {
            lock (reports)
                reports.Add(value);
            on?.Invoke();
        }
    }
}
