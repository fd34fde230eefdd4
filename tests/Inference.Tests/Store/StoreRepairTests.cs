using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Quantization;

namespace Deepseek.Inference.Tests.Store;

/// <summary>What mends a store, and what must not.</summary>
public sealed class StoreRepairTests
{
    public static TheoryData<string, string> Kinds
    {
        get
        {
            var kinds = new TheoryData<string, string>();
            foreach (var checkpoint in new[] { "v3-fp32", "v3-bf16", "v3-fp8", "v3-no-qlora", "v3-mtp", "v2-lite", "v2", "distill-qwen2", "distill-llama" })
            {
                kinds.Add(checkpoint, "default");
                kinds.Add(checkpoint, "keep");
            }

            foreach (var precision in StorePrecisions.Names.Where(name => name is not "keep" and not "nf4"))
                kinds.Add("nano", precision);
            return kinds;
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task RepairAsync_NothingLeftButTheManifest_MakesTheStoreAgain(string checkpoint, string precision)
    {
        var source = checkpoint == "nano" ? TestPaths.Nano : Fixture.Folder(checkpoint);
        var options = precision switch
        {
            "default" => new StoreOptions(),
            "keep" => Stores.Unchanged,
            _ => StorePrecisions.TryParse(precision, out var parsed) ? Stores.All(parsed) with { Prediction = null } : throw new ArgumentException(precision),
        };
        using var whole = await Stores.ConvertAsync(source, options);
        using var folder = new TemporaryFolder();
        File.Copy(whole.File("store.json"), folder.File("store.json"));

        await StoreVerifier.RepairAsync(folder.Path, source, cancellationToken: TestContext.Current.CancellationToken);

        Stores.AssertSameFiles(whole.Path, folder.Path);
    }

    [Fact]
    public async Task RepairAsync_OtherWeights_AreRefusedAndChangeNothing()
    {
        using var original = new AlteredCheckpoint("v3-bf16").Write();
        using var other = new AlteredCheckpoint("v3-bf16").Set(
            "model.layers.0.self_attn.o_proj.weight", Inference.Checkpoints.TensorType.BF16, [64, 64]).Write(); // zeros
        using var folder = await Stores.ConvertAsync(original.Path);
        var tensor = StoreManifestReader.Read(folder.Path).Layout.Tensors.Single(tensor => tensor.Name == "model.layers.0.self_attn.o_proj.weight");
        Stores.Flip(folder.File("resident.safetensors"), tensor.Offset + 10);
        var before = Stores.Files(folder.Path);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.RepairAsync(folder.Path, other.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(folder.File("resident.safetensors"), fault.File);
        Assert.Matches(@": page \d+: What the checkpoint gives is not what the store held: its checksum is another\. Give the checkpoint that the store was made of\.$", fault.Message);
        Assert.Equal(before, Stores.Files(folder.Path));
    }

    [Fact]
    public async Task RepairAsync_OtherModel_IsRefusedAndChangesNothing()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-bf16"));
        File.Delete(folder.File("experts-001.safetensors"));
        var before = Stores.Files(folder.Path);

        foreach (var name in new[] { "v3-no-yarn", "v2", "distill-llama", "v3-mtp" })
        {
            var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.RepairAsync(folder.Path, Fixture.Folder(name), cancellationToken: TestContext.Current.CancellationToken));
            Assert.StartsWith(Fixture.Folder(name), fault.File, StringComparison.Ordinal);
        }

        Assert.Equal(before, Stores.Files(folder.Path));
    }

    [Fact]
    public async Task RepairAsync_NoCheckpoint_IsRefused()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-bf16"));
        File.Delete(folder.File("experts-001.safetensors"));

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.RepairAsync(folder.Path, folder.File("none"), cancellationToken: TestContext.Current.CancellationToken));

        Assert.StartsWith(folder.File("none"), fault.File, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "tokenizer.json: The file is missing; mending the store needs it.")]
    [InlineData("{}", "tokenizer.json: What the checkpoint gives is not what the store held: its checksum is another. Give the checkpoint that the store was made of.")]
    [InlineData("same length", "tokenizer.json: What the checkpoint gives is not what the store held: its checksum is another. Give the checkpoint that the store was made of.")]
    public async Task RepairAsync_FileBesideTheShardsIsNotThatOfTheCheckpoint_IsRefused(string? now, string message)
    {
        using var checkpoint = new AlteredCheckpoint("v3-bf16").Write();
        await File.WriteAllTextAsync(checkpoint.File("tokenizer.json"), "some length", TestContext.Current.CancellationToken);
        using var folder = await Stores.ConvertAsync(checkpoint.Path);
        File.Delete(folder.File("tokenizer.json"));
        File.Delete(checkpoint.File("tokenizer.json"));
        if (now is not null)
            await File.WriteAllTextAsync(checkpoint.File("tokenizer.json"), now, TestContext.Current.CancellationToken);
        var before = Stores.Files(folder.Path);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.RepairAsync(folder.Path, checkpoint.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.EndsWith(message, fault.Message, StringComparison.Ordinal);
        Assert.Equal(before, Stores.Files(folder.Path));
    }

    [Fact]
    public async Task RepairAsync_CalibratedStore_NeedsItsEnergies()
    {
        var energies = ColumnEnergiesTests.Create(("model.layers.0.self_attn.o_proj.weight", [.. Enumerable.Range(1, 64).Select(i => (float)i)], 5));
        var others = ColumnEnergiesTests.Create(("model.layers.0.self_attn.o_proj.weight", [.. Enumerable.Range(1, 64).Select(i => 65f - i)], 5));
        using var plain = await Stores.ConvertAsync(Fixture.Folder("v3-bf16"));
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-bf16"), new StoreOptions { Energies = energies });
        var whole = Stores.Files(folder.Path);
        Assert.NotEqual(Stores.Files(plain.Path)["resident.safetensors"], whole["resident.safetensors"]); // else there is nothing to show
        Stores.Flip(folder.File("resident.safetensors"), 9000);
        Stores.Flip(plain.File("resident.safetensors"), 9000);

        var without = await RefusedAsync(folder.Path, null);
        var other = await RefusedAsync(folder.Path, others);
        var needless = await RefusedAsync(plain.Path, energies);
        await StoreVerifier.RepairAsync(folder.Path, Fixture.Folder("v3-bf16"), energies, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("store.json: calibration: The store was calibrated; mending it needs the same column energies. Give --calibrate and the file that convert was given.", without.Message);
        Assert.Equal("store.json: calibration: The store was calibrated with other column energies. Give --calibrate and the file that convert was given.", other.Message);
        Assert.Equal("store.json: calibration: The store was not calibrated; mending it needs no column energies. Leave --calibrate out.", needless.Message);
        Assert.Equal(whole, Stores.Files(folder.Path));

        static Task<CheckpointFormatException> RefusedAsync(string store, ColumnEnergies? energies) =>
            Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.RepairAsync(store, Fixture.Folder("v3-bf16"), energies, cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task RepairAsync_Unfinished_SaysHowToFinish()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("convert.journal"), "", TestContext.Current.CancellationToken);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.RepairAsync(folder.Path, Fixture.Folder("v3-bf16"), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.Path}: The store is not finished: its conversion was interrupted. Give the same deepseek convert command again; what is complete is kept.", fault.Message);
    }
}
