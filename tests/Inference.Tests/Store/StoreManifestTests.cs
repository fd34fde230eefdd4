using System.Text.Json.Nodes;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Store;

/// <summary><c>store.json</c> as accidents leave it, and of other versions.</summary>
public sealed class StoreManifestTests(MadeStore made) : IClassFixture<MadeStore>
{
    private const string Remedy = " Fetch it again, or convert the checkpoint again into another folder.";

    [Fact]
    public void Parse_WhatToJsonWrote_IsWrittenTheSameAgain()
    {
        var bytes = made.Manifest;

        Assert.Equal(bytes, StoreManifestReader.Parse(bytes, "store.json").ToJson());
    }

    [Fact]
    public void Parse_AnyByteDamaged_IsRefused()
    {
        var bytes = made.Manifest;
        var random = new Random(20250120);

        for (var at = 0; at < bytes.Length; at++)
        {
            var mask = (byte)(1 << random.Next(8));
            bytes[at] ^= mask;
            var fault = Record.Exception(() => StoreManifestReader.Parse(bytes, "store.json"));
            bytes[at] ^= mask;

            Assert.True(fault is CheckpointFormatException { File: "store.json" }, $"Bit {mask} of byte {at}: {fault}");
        }
    }

    [Fact]
    public void Parse_CutAnywhere_IsRefused()
    {
        var bytes = made.Manifest;

        for (var length = 0; length < bytes.Length; length += length < 100 || length > bytes.Length - 100 ? 1 : 97)
            Assert.Throws<CheckpointFormatException>(() => StoreManifestReader.Parse(bytes[..length], "store.json"));
    }

    [Fact]
    public async Task AllThatOpensAStore_DamagedManifest_RefusesItAsSuch()
    {
        using var folder = made.Copy();
        var (file, bytes) = (folder.File("store.json"), made.Manifest);
        var random = new Random(20250121);

        for (var i = 0; i < 200; i++)
        {
            var damaged = bytes.ToArray();
            damaged[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(file, damaged, TestContext.Current.CancellationToken);

            Assert.Equal(file, (await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken))).File);
            Assert.Equal(file, (await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken))).File);
            Assert.Equal(file, (await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.RepairAsync(folder.Path, made.Checkpoint, cancellationToken: TestContext.Current.CancellationToken))).File);
            Assert.Equal(file, (await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken))).File);
            Assert.Equal(file, Assert.Throws<CheckpointFormatException>(() => StoreSummary.Read(folder.Path)).File);
        }
    }

    [Fact]
    public async Task LoadAsync_ValueChanged_SaysThatTheManifestIsDamaged()
    {
        using var folder = made.Copy();
        var text = await File.ReadAllTextAsync(folder.File("store.json"), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("store.json"), text.Replace("\"offset\": 4", "\"offset\": 5", StringComparison.Ordinal), TestContext.Current.CancellationToken);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.File("store.json")}: seal: The checksum at the end is not that of the bytes before it; the manifest is damaged." + Remedy, fault.Message);
    }

    [Theory]
    [InlineData("3", "version: The store is of version 3; this library reads version 2. Update Deepseek.Inference, or convert the checkpoint with this one.")]
    [InlineData("2147483647", "version: The store is of version 2147483647; this library reads version 2. Update Deepseek.Inference, or convert the checkpoint with this one.")]
    [InlineData("1", "version: The store is of version 1; this library reads version 2. Convert the checkpoint again.")]
    [InlineData("-1", "version: The store is of version -1; this library reads version 2. Convert the checkpoint again.")]
    [InlineData("1.5", "The manifest is damaged: \"version\" must be a whole number of 32 bits." + Remedy)]
    [InlineData("\"1\"", "The manifest is damaged: \"version\" must be a whole number of 32 bits." + Remedy)]
    [InlineData("99999999999", "The manifest is damaged: \"version\" must be a whole number of 32 bits." + Remedy)]
    [InlineData(null, "The manifest is damaged: \"version\" is missing." + Remedy)]
    public void Parse_OtherVersion_IsNamed(string? version, string message)
    {
        var manifest = ManifestEdit.Set(made.Manifest, "version", version);

        var fault = Assert.Throws<CheckpointFormatException>(() => StoreManifestReader.Parse(manifest, "store.json"));

        Assert.Equal("store.json: " + message, fault.Message);
    }

    [Fact]
    public async Task LoadAsync_NewerVersionOfAnotherForm_StillSaysSo()
    {
        // What a newer library writes may have nothing in common with this one's but these two keys; a seal is not asked for.
        using var folder = made.Copy("{\"format\": \"deepseek page store\", \"version\": 3, \"anything\": []}"u8.ToArray());

        var fault = Assert.Throws<CheckpointFormatException>(() => StoreSummary.Read(folder.Path));

        Assert.Equal($"{folder.File("store.json")}: version: The store is of version 3; this library reads version 2. Update Deepseek.Inference, or convert the checkpoint with this one.", fault.Message);
        var loading = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(fault.Message, loading.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("{}")]
    [InlineData("{\"format\": 5}")]
    [InlineData("{\"format\": \"holiday\", \"version\": 1}")]
    public void Parse_SomethingElse_IsRefused(string text)
    {
        var fault = Assert.Throws<CheckpointFormatException>(() => StoreManifestReader.Parse(System.Text.Encoding.UTF8.GetBytes(text), "store.json"));

        Assert.Equal(
            text.Length > 0
                ? "store.json: format: The file does not call itself a \"deepseek page store\"; it is no manifest of a page store, or damaged."
                : "store.json: The manifest is damaged: The file is empty." + Remedy,
            fault.Message);
    }

    [Fact]
    public void Parse_AnyKeyMissingOrNull_IsRefused()
    {
        List<string> keys = [];
        Collect(JsonNode.Parse(ManifestEdit.Unsealed(made.Manifest))!, "", keys);
        Assert.True(keys.Count > 20, "There are too few keys to show anything.");

        foreach (var key in keys)
        {
            foreach (var value in new[] { null, "null", "[]", "{}", "true", "\"\"", "-1", "1e400" })
            {
                if (value == "[]" ? key is "tensors" or "experts" or "files" : value == "\"\"" && key == "tensors/0/name")
                    continue; // nothing wrong in itself; that weights are missing shows when the model is loaded
                var manifest = ManifestEdit.Set(made.Manifest, key, value);
                var fault = Record.Exception(() => StoreManifestReader.Parse(manifest, "store.json"));
                Assert.True(fault is CheckpointFormatException { File: "store.json" }, $"{key} = {value}: {fault}");
            }
        }

        // One element of every array stands for all; the model's own keys have tests of their own.
        static void Collect(JsonNode node, string path, List<string> keys)
        {
            if (node is JsonObject members)
            {
                foreach (var (name, value) in members.Where(_ => path != "model/"))
                {
                    keys.Add(path + name);
                    Collect(value!, $"{path}{name}/", keys);
                }
            }
            else if (node is JsonArray { Count: > 0 } items && items[0] is JsonObject or JsonArray)
            {
                Collect(items[0]!, $"{path}0/", keys);
            }
        }
    }

    [Fact]
    public async Task LoadAsync_NoFolder_SaysSo()
    {
        using var folder = new TemporaryFolder();

        var absent = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.VerifyAsync(folder.File("none"), cancellationToken: TestContext.Current.CancellationToken));
        var empty = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.File("none")}: The folder does not exist; it must hold a page store.", absent.Message);
        Assert.Equal($"{folder.Path}: The folder has no store.json; it is no page store. Make one with deepseek convert.", empty.Message);
    }

    [Fact]
    public void Read_TooLargeAFile_IsRefusedUnread()
    {
        using var folder = new TemporaryFolder();
        using (var file = File.OpenHandle(folder.File("store.json"), FileMode.CreateNew, FileAccess.Write))
            RandomAccess.SetLength(file, (256L << 20) + 1);

        var fault = Assert.Throws<CheckpointFormatException>(() => StoreSummary.Read(folder.Path));

        Assert.Equal($"{folder.File("store.json")}: The manifest has 268435457 bytes; at most 268435456 are allowed.", fault.Message);
    }
}
