using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

public sealed class StoreConverterTests
{
    [Fact]
    public async Task ConvertAsync_Nano_HasTheDesignedShape()
    {
        using var folder = await Stores.ConvertAsync(TestPaths.Nano);

        string[] expected =
        [
            "experts-001.safetensors", "experts-002.safetensors", "experts-003.safetensors", "experts-004.safetensors", "experts-005.safetensors", "experts-006.safetensors",
            "generation_config.json", "prediction.safetensors", "resident.safetensors", "store.json", "tokenizer.json", "tokenizer_config.json",
        ];
        Assert.Equal(expected, Stores.Files(folder.Path).Keys);
        var layer = new ExpertRecordLayout(WeightPrecision.Nf4, 128, 256);
        Assert.Equal(layer.Length, StoreSummary.Read(folder.Path).ExpertBytes);
        using var experts = SafetensorsFile.Open(folder.File("experts-001.safetensors"));
        Assert.Equal(0, experts.DataOffset % 4096);
        Assert.Equal(16, experts.Tensors.Count);
        Assert.All(experts.Tensors.Values, record => Assert.Equal((TensorType.U8, layer.Length, 0L), (record.Type, record.ByteLength, record.FileOffset % 4096)));
        using var resident = SafetensorsFile.Open(folder.File("resident.safetensors"));
        Assert.All(resident.Tensors.Values, tensor => Assert.True(tensor.Name.StartsWith("padding.", StringComparison.Ordinal) || tensor.FileOffset % 64 == 0));
        Assert.Equal((TensorType.BF16, "256"), (resident.Tensors["model.norm.weight"].Type, string.Join(",", resident.Tensors["model.norm.weight"].Shape)));
    }

    [Fact]
    public async Task ConvertAsync_R1Record_HasTheSizeThatPlansCountOn()
    {
        await Task.CompletedTask;

        Assert.Equal(22_724_608, new ExpertRecordLayout(WeightPrecision.Nf4, 2048, 7168).Length);
    }

    [Fact]
    public async Task ConvertAsync_AnyThreads_GivesTheSameBytes()
    {
        using var one = await Stores.ConvertAsync(Fixture.Folder("v3-mtp"), new StoreOptions { Threads = 1 });
        using var seven = await Stores.ConvertAsync(Fixture.Folder("v3-mtp"), new StoreOptions { Threads = 7 });

        Stores.AssertSameFiles(one.Path, seven.Path);
    }

    [Fact]
    public async Task ConvertAsync_SameWeightsInAnotherForm_GivesTheSameBytes()
    {
        // F32 copies of BF16 weights: what a store holds does not tell which of them it was made of.
        var altered = new AlteredCheckpoint("v3-bf16");
        foreach (var name in altered.Names.Where(name => name.EndsWith("_proj.weight", StringComparison.Ordinal) || name.Contains("kv_a_proj", StringComparison.Ordinal) || name.Contains("embed", StringComparison.Ordinal) || name.Contains("lm_head", StringComparison.Ordinal)).ToList())
            altered.Map(name, value => value);
        using var wide = altered.Write(("torch_dtype", "\"float32\""));
        using var narrow = new AlteredCheckpoint("v3-bf16").Write();
        using var ofWide = await Stores.ConvertAsync(wide.Path);
        using var ofNarrow = await Stores.ConvertAsync(narrow.Path);

        Stores.AssertSameFiles(ofWide.Path, ofNarrow.Path);
    }

    [Fact]
    public async Task ConvertAsync_Cancelled_IsTakenUpToTheSameBytes()
    {
        using var whole = await Stores.ConvertAsync(TestPaths.Nano);
        using var folder = new TemporaryFolder();
        List<long> begun = [];
        for (var stop = 3; ; stop += 40)
        {
            using var cancel = new CancellationTokenSource();
            var reports = new Reports(count => { if (count >= stop) cancel.Cancel(); });
            try
            {
                await StoreConverter.ConvertAsync(TestPaths.Nano, folder.Path, new StoreOptions { Threads = 2 }, reports, cancel.Token);
                begun.Add(reports.First!.BytesDone);
                break;
            }
            catch (OperationCanceledException)
            {
                begun.Add(reports.First!.BytesDone);
                Assert.False(File.Exists(folder.File("store.json")));
                Assert.True(File.Exists(folder.File("convert.journal")));
            }
        }

        Assert.True(begun.Count > 3, "The conversion was not interrupted often enough to show anything.");
        Assert.Equal(begun.Order(), begun); // each run begins where the one before has stopped
        Assert.True(begun[^1] > begun[1]);
        Stores.AssertSameFiles(whole.Path, folder.Path);
    }

    [Fact]
    public async Task ConvertAsync_WrittenPageLost_IsWrittenAgain()
    {
        using var whole = await Stores.ConvertAsync(Fixture.Folder("v3-fp32"));
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreConverter.ConvertAsync(
            Fixture.Folder("v3-fp32"), folder.Path, new StoreOptions { Threads = 1 }, new Reports(count => { if (count == 30) cancel.Cancel(); }), cancel.Token));
        Stores.Flip(folder.File("resident.safetensors"), 5000); // as a power failure leaves it: noted, and not there

        await StoreConverter.ConvertAsync(Fixture.Folder("v3-fp32"), folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Stores.AssertSameFiles(whole.Path, folder.Path);
    }

    [Fact]
    public async Task ConvertAsync_FinishedStore_IsCheckedAndLeftAlone()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-fp32"));
        var before = File.GetLastWriteTimeUtc(folder.File("resident.safetensors"));
        await File.WriteAllTextAsync(folder.File("convert.journal"), "left by a kill", TestContext.Current.CancellationToken);

        await StoreConverter.ConvertAsync(Fixture.Folder("v3-fp32"), folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(before, File.GetLastWriteTimeUtc(folder.File("resident.safetensors")));
        Assert.False(File.Exists(folder.File("convert.journal")));
        Stores.Flip(folder.File("resident.safetensors"), 9000);
        await Assert.ThrowsAsync<StoreCorruptedException>(() => StoreConverter.ConvertAsync(Fixture.Folder("v3-fp32"), folder.Path, cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ConvertAsync_StoreOfOtherOptions_IsRefused()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-fp32"));

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(
            Fixture.Folder("v3-fp32"), folder.Path, new StoreOptions { Head = StorePrecision.F32 }, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.Path}: The folder holds a finished store of another model or with other options. Give another folder, or remove this one.", fault.Message);
    }

    [Fact]
    public async Task ConvertAsync_UnfinishedConversionOfOtherOptions_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreConverter.ConvertAsync(
            Fixture.Folder("v3-fp32"), folder.Path, null, new Reports(count => { if (count == 5) cancel.Cancel(); }), cancel.Token));

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(
            Fixture.Folder("v3-fp32"), folder.Path, new StoreOptions { Head = StorePrecision.F32 }, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.Path}: The folder holds an unfinished conversion with other options or of another checkpoint. Give those again to finish it, or another folder, or remove this one.", fault.Message);
    }

    [Fact]
    public async Task ConvertAsync_FolderWithSomethingElse_IsRefusedAndUntouched()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("holiday.jpg"), "mine", TestContext.Current.CancellationToken);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(Fixture.Folder("v3-fp32"), folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.Path}: holiday.jpg: The folder holds a file that is no part of this store. Give an empty folder, or one that does not exist yet.", fault.Message);
        Assert.Equal(["holiday.jpg"], Stores.Files(folder.Path).Keys);
    }

    [Fact]
    public async Task ConvertAsync_MissingTensor_IsNamedBeforeAnythingIsWritten()
    {
        using var checkpoint = new AlteredCheckpoint("v3-bf16").Remove(name => name == "model.layers.2.mlp.experts.3.up_proj.weight").Write();
        using var folder = new TemporaryFolder();

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(checkpoint.Path, folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal("model.layers.2.mlp.experts.3.up_proj.weight", fault.Subject);
        Assert.Empty(Stores.Files(folder.Path));
    }

    [Fact]
    public async Task ConvertAsync_BadWeight_IsNamed()
    {
        using var checkpoint = new AlteredCheckpoint("v3-bf16").Map("model.layers.0.self_attn.o_proj.weight", _ => float.NaN).Write();
        using var folder = new TemporaryFolder();

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(checkpoint.Path, folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal("model.layers.0.self_attn.o_proj.weight", fault.Subject);
        Assert.Contains("NaN", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConvertAsync_TwoAtOnce_OneIsRefused()
    {
        using var folder = new TemporaryFolder();
        using var holder = new FileStream(folder.File("convert.journal"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(Fixture.Folder("v3-fp32"), folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.Path}: Another process is converting into the folder. Wait for it, or give another folder.", fault.Message);
    }

    [Fact]
    public async Task ConvertAsync_FaultyOptions_AreAllNamed()
    {
        var fault = await Assert.ThrowsAsync<ArgumentException>(() => StoreConverter.ConvertAsync("a", "b", new StoreOptions { Experts = (StorePrecision)77, Threads = 0 }));

        Assert.Equal("StoreOptions: Experts is 77; it must be a member of StorePrecision. Threads is 0; it must be 1 to 1024.", fault.Message);
    }

    [Fact]
    public void ConvertAsync_BitsandbytesScalesAcrossRows_AreRefusedByName()
    {
        var fault = Assert.Throws<CheckpointFormatException>(() => StoreConverter.Plan(Path.Combine(Fixture.Folder("bnb-qwen2"), "plain"), new StoreOptions { Dense = StorePrecision.Nf4Reference }));

        Assert.Equal("model.layers.0.mlp.down_proj.weight", fault.Subject);
        Assert.Contains("its rows have 352 columns; bitsandbytes' blocks of 64 would cross rows, which a store's do not. Choose nf4 for it, or write --format bitsandbytes.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_EqualsWhatIsWritten()
    {
        using var folder = await Stores.ConvertAsync(TestPaths.Nano);
        var plan = StoreConverter.Plan(TestPaths.Nano);
        var written = StoreSummary.Read(folder.Path);

        Assert.Equal(plan.Classes, written.Classes);
        Assert.Equal((plan.Bytes, plan.Files, plan.ExpertBytes), (written.Bytes, written.Files, written.ExpertBytes));
        Assert.Equal(plan.Bytes, Stores.Files(folder.Path).Where(file => file.Key.EndsWith(".safetensors", StringComparison.Ordinal)).Sum(file => file.Value.LongLength));
    }

    private sealed class Reports(Action<int> on) : IProgress<ConvertProgress>
    {
        private int _count;

        public ConvertProgress? First { get; private set; }

        public void Report(ConvertProgress value)
        {
            First ??= value;
            on(Interlocked.Increment(ref _count));
        }
    }
}
