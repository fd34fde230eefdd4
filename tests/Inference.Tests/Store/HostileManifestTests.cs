using System.Text.Json.Nodes;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Manifests whose seal is right and whose contents are lies.</summary>
public sealed class HostileManifestTests(MadeStore made) : IClassFixture<MadeStore>
{
    public static TheoryData<string, string, string> Lies => new()
    {
        { "shards/0/file", "\"../resident.safetensors\"", "\"../resident.safetensors\" is no file's name." },
        { "shards/0/file", "\"/etc/passwd\"", "is no file's name." },
        { "shards/0/file", "\"a\\\\b\"", "is no file's name." },
        { "shards/0/file", "\"C:b\"", "is no file's name." },
        { "shards/0/file", "\".\"", "is no file's name." },
        { "shards/0/file", "\"..\"", "is no file's name." },
        { "shards/0/file", "\"\"", "is no file's name." },
        { "shards/0/file", "\"a\\u0000b\"", "\"a\\u0000b\" is no file's name." },
        { "shards/0/file", "\"a\\u001b[2Jb\"", "\"a\\u001b[2Jb\" is no file's name." },
        { "shards/0/file", "\"experts-001.safetensors\"", "Two files have one name." },
        { "shards/0/file", "\"EXPERTS-001.safetensors\"", "Two files have one name." },
        { "shards/0/file", "\"store.json\"", "Two files have one name." },
        { "shards/0/length", "9223372036854775807", "do not add up to its length." },
        { "shards/0/length", "9223372036854775808", "\"length\" must be of whole numbers of 64 bits." },
        { "shards/0/length", "1e400", "\"length\" must be of whole numbers of 64 bits." },
        { "shards/0/pages", "[]", "A shard has no pages." },
        { "shards/0/pages/0", "\"0:00000000000000000000000000000000\"", "A page must have 1 to 1073741824 bytes." },
        { "shards/0/pages/0", "\"-4096:00000000000000000000000000000000\"", "A page must have 1 to 1073741824 bytes." },
        { "shards/0/pages/0", "\"1073741825:00000000000000000000000000000000\"", "A page must have 1 to 1073741824 bytes." },
        { "shards/0/pages/0", "\"99999999999999999999:00000000000000000000000000000000\"", "A page must have 1 to 1073741824 bytes." },
        { "shards/0/pages/0", "\"00000000000000000000000000000000\"", "A page must have 1 to 1073741824 bytes." },
        { "shards/0/pages/0", "\"4096:0000000000000000000000000000000\"", "A checksum must have 32 hexadecimal digits." },
        { "shards/0/pages/0", "\"4096:0000000000000000000000000000000g\"", "A checksum must have 32 hexadecimal digits." },
        { "shards/0/pages/0", "\"4096: 0000000000000000000000000000000\"", "A checksum must have 32 hexadecimal digits." },
        { "shards/0/pages/0", "5", "\"pages\" must be of strings." },
        { "tensors/0/name", "null", "\"name\" must be a string." },
        { "tensors/1/name", "\"model.embed_tokens.weight\"", "The tensor \"model.embed_tokens.weight\" is listed twice." },
        { "tensors/0/shape", "[0, 64]", "is that of no matrix or vector." },
        { "tensors/0/shape", "[-256, 64]", "is that of no matrix or vector." },
        { "tensors/0/shape", "[4294967552, 64]", "is that of no matrix or vector." },
        { "tensors/0/shape", "[256, 4294967360]", "is that of no matrix or vector." },
        { "tensors/0/shape", "[9223372036854775807, 9223372036854775807]", "is that of no matrix or vector." },
        { "tensors/0/shape", "[268435456, 1048576]", "The place of \"model.embed_tokens.weight\" does not fit its shape or its shard." },
        { "tensors/0/shape", "[]", "is that of no matrix or vector." },
        { "tensors/0/shape", "[256]", "is that of no matrix or vector." },
        { "tensors/0/shape", "[1, 256, 64]", "is that of no matrix or vector." },
        { "tensors/0/shape", "[256, 63.5]", "\"shape\" must be of whole numbers of 64 bits." },
        { "tensors/0/shape", "[64, 256]", "does not fit its shape or its shard." },
        { "tensors/0/precision", "\"f32\"", "does not fit its shape or its shard." },
        { "tensors/0/precision", "\"keep\"", "The precision \"keep\" is unknown." },
        { "tensors/0/precision", "\"nf5\\u202e\"", "The precision \"nf5\\u202e\" is unknown." },
        { "tensors/1/type", "\"I64\"", "is none of F64, F32, F16 and BF16." },
        { "tensors/1/type", "\"F4\"", "is none of F64, F32, F16 and BF16." },
        { "tensors/1/type", "\"F64\"", "does not fit its shape or its shard." },
        { "tensors/0/shard", "-1", "A shard's number is out of range." },
        { "tensors/0/shard", "99", "A shard's number is out of range." },
        { "tensors/0/offset", "-64", "does not fit its shape or its shard." },
        { "tensors/0/offset", "4128", "does not fit its shape or its shard." },
        { "tensors/0/offset", "9223372036854775744", "does not fit its shape or its shard." },
        { "tensors/0/length", "-1", "does not fit its shape or its shard." },
        { "tensors/0/length", "9223372036854775807", "does not fit its shape or its shard." },
        { "tensors/1/offset", "{header}", "Two tensors or experts of resident.safetensors overlap at byte {header}." },
        { "experts/0/layer", "-1", "does not fit their sizes or their shard." },
        { "experts/0/first", "-1", "does not fit their sizes or their shard." },
        { "experts/0/first", "2147483647", "does not fit their sizes or their shard." },
        { "experts/0/count", "0", "does not fit their sizes or their shard." },
        { "experts/0/count", "-2147483648", "does not fit their sizes or their shard." },
        { "experts/0/count", "2147483647", "does not fit their sizes or their shard." },
        { "experts/0/firstPage", "0", "does not fit their sizes or their shard." },
        { "experts/0/firstPage", "-1", "does not fit their sizes or their shard." },
        { "experts/0/firstPage", "2147483647", "does not fit their sizes or their shard." },
        { "experts/0/inner", "0", "The experts of layer 1 are 0 by 64, which no page holds." },
        { "experts/0/inner", "2147483647", "The experts of layer 1 are 2147483647 by 64, which no page holds." },
        { "experts/0/inner", "1048576", "does not fit their sizes or their shard." },
        { "experts/0/hidden", "-64", "which no page holds." },
        { "experts/0/precision", "\"f32\"", "does not fit their sizes or their shard." },
        { "experts/0/shard", "0", "of resident.safetensors overlap at byte" },
        { "files/0/name", "\"../tokenizer.json\"", "is no file's name." },
        { "files/0/name", "\"resident.safetensors\"", "Two files have one name." },
        { "files/0/length", "-1", "A file beside the shards has -1 bytes." },
        { "files/0/length", "9223372036854775807", "A file beside the shards has 9223372036854775807 bytes." },
        { "files/0/checksum", "\"0\"", "A checksum must have 32 hexadecimal digits." },
        { "calibration", "5", "\"calibration\" must be a string." },
        { "calibration", "\"\\u001b\"", "A checksum must have 32 hexadecimal digits." },
        { "model", "[]", "" },
        { "model/hidden_size", "99999999999", "hidden_size" },
        { "model/num_hidden_layers", "-1", "num_hidden_layers" },
    };

    [Theory, MemberData(nameof(Lies))]
    public async Task LoadAsync_Lie_IsRefusedByName(string path, string value, string fragment)
    {
        var header = ((int)JsonNode.Parse(made.Manifest)!["tensors"]![0]!["offset"]!).ToString(System.Globalization.CultureInfo.InvariantCulture);
        (value, fragment) = (value.Replace("{header}", header, StringComparison.Ordinal), fragment.Replace("{header}", header, StringComparison.Ordinal));
        using var folder = made.Copy(ManifestEdit.Set(made.Manifest, path, value));

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(folder.File("store.json"), fault.File);
        Assert.True(fault.Message.Contains(fragment, StringComparison.Ordinal), fault.Message);
        Assert.DoesNotContain('\u001b', fault.Message);
        Assert.InRange(fault.Message.Length, 1, 500);
    }

    [Fact]
    public void Parse_ExpertsBeyondAnyPage_AreRefused()
    {
        var manifest = ManifestEdit.Change(made.Manifest, root =>
        {
            ManifestEdit.Set(root, "experts/0/inner", "1048576");
            ManifestEdit.Set(root, "experts/0/hidden", "1048576");
            ManifestEdit.Set(root, "experts/0/precision", "\"f32\""); // 13 TB each, which no int counts
        });

        var fault = Assert.Throws<CheckpointFormatException>(() => StoreManifestReader.Parse(manifest, "store.json"));

        Assert.Contains("The experts of layer 1 are 1048576 by 1048576, which no page holds.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_ManyRecordsInOnePlace_AreRefusedAtOnce()
    {
        // Each is sound by itself. Checked one by one they would take the square of the file's length.
        var pages = string.Concat(Enumerable.Repeat("\"64:00000000000000000000000000000000\",", 30_000)).TrimEnd(',');
        var runs = string.Concat(Enumerable.Range(0, 30_000).Select(layer => FormattableString.Invariant(
            $"{{\"layer\":{layer},\"first\":0,\"count\":30000,\"precision\":\"nf4\",\"inner\":64,\"hidden\":64,\"shard\":0,\"firstPage\":0}},"))).TrimEnd(',');
        var manifest = StoreSeal.Seal(System.Text.Encoding.UTF8.GetBytes(
            $"{{\"format\":\"deepseek page store\",\"version\":2,\"model\":{{}},\"tensors\":[],\"experts\":[{runs}],\"shards\":[{{\"file\":\"a\",\"length\":1920000,\"pages\":[{pages}]}}],\"files\":[]}}"));

        var fault = Assert.Throws<CheckpointFormatException>(() => StoreManifestReader.Parse(manifest, "store.json"));

        Assert.Contains("Two tensors or experts of a overlap at byte 0.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_TextThatIsNoUnicode_IsRefused()
    {
        var text = System.Text.Encoding.UTF8.GetString(ManifestEdit.Unsealed(made.Manifest)).Replace("\"resident.safetensors\"", "\"\\ud800\"", StringComparison.Ordinal);

        var fault = Assert.Throws<CheckpointFormatException>(() => StoreManifestReader.Parse(StoreSeal.Seal(System.Text.Encoding.UTF8.GetBytes(text)), "store.json"));

        Assert.StartsWith("store.json: The manifest is damaged: ", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\\ud800")]
    [InlineData("\u00FF")]
    public void Load_ConfigurationThatIsNoUnicode_IsRefused(string name)
    {
        // Who wants the configuration alone does not ask for the seal.
        using var folder = made.Copy(System.Text.Encoding.Latin1.GetBytes($"{{\"model\": {{\"{name}\": \"{name}\"}}}}"));

        var fault = Assert.Throws<CheckpointFormatException>(() => ModelConfig.Load(folder.Path));

        Assert.StartsWith(folder.Path, fault.File, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_DeepNesting_IsRefused()
    {
        var manifest = StoreSeal.Seal(System.Text.Encoding.UTF8.GetBytes("{\"format\":\"deepseek page store\",\"version\":2,\"a\":" + new string('[', 1_000_000) + new string(']', 1_000_000) + "}"));

        Assert.Throws<CheckpointFormatException>(() => StoreManifestReader.Parse(manifest, "store.json"));
    }

    [Fact]
    public void Parse_LongText_IsShownShort()
    {
        var manifest = ManifestEdit.Set(made.Manifest, "tensors/0/precision", "\"" + new string('n', 1_000_000) + "\"");

        var fault = Assert.Throws<CheckpointFormatException>(() => StoreManifestReader.Parse(manifest, "store.json"));

        Assert.InRange(fault.Message.Length, 1, 400);
    }

    public static TheoryData<string, string, string> Misfits => new()
    {
        { "hidden_size", "128", "model.layers.0.input_layernorm.weight: the shape is [64]; the store's model asks for [128]. Convert the checkpoint again." },
        { "vocab_size", "512", "model.embed_tokens.weight: the shape is [256, 64]; the store's model asks for [512, 64]. Convert the checkpoint again." },
        { "num_hidden_layers", "9", "model.layers.4." },
        { "moe_intermediate_size", "64", "model.layers.1.mlp.experts: its experts are 32 by 64; the model asks for 64 by 64. Convert the checkpoint again." },
        { "intermediate_size", "64", "mlp.gate_proj.weight: the shape is [96, 64]; the store's model asks for [64, 64]." },
        { "n_routed_experts", "32", "model.layers.1.mlp.experts: expert 16 is missing; the store's model asks for it. Convert the checkpoint again." },
        { "v_head_dim", "32", "the store's model asks for" },
        { "kv_lora_rank", "64", "the store's model asks for" },
        { "q_lora_rank", "null", "q_proj.weight: the tensor is missing; the store's model asks for one of shape" },
        { "first_k_dense_replace", "2", "model.layers.1.mlp.gate_proj.weight: the tensor is missing" },
        { "first_k_dense_replace", "0", "model.layers.0.mlp" },
    };

    [Theory, MemberData(nameof(Misfits))]
    public async Task LoadAsync_ShapesOfAnotherModel_AreRefusedByName(string key, string value, string fragment)
    {
        using var folder = made.Copy(ManifestEdit.Set(made.Manifest, "model/" + key, value));

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(folder.File("store.json"), fault.File);
        Assert.True(fault.Message.Contains(fragment, StringComparison.Ordinal), fault.Message);
    }

    [Fact]
    public async Task LoadAsync_ExpertsMissingOrOfAnotherSize_AreNamed()
    {
        using var missing = made.Copy(ManifestEdit.Set(made.Manifest, "experts", "[]"));
        using var fewer = made.Copy(ManifestEdit.Set(made.Manifest, "experts/0/count", "15"));

        var none = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(missing.Path, cancellationToken: TestContext.Current.CancellationToken));
        var last = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(fewer.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{missing.File("store.json")}: model.layers.1.mlp.experts: expert 0 is missing; the store's model asks for it. Convert the checkpoint again.", none.Message);
        Assert.Equal($"{fewer.File("store.json")}: model.layers.1.mlp.experts: expert 15 is missing; the store's model asks for it. Convert the checkpoint again.", last.Message);
    }

    [Fact]
    public async Task LoadAsync_NormThatIsNoVector_IsRefused()
    {
        var manifest = ManifestEdit.Change(made.Manifest, root =>
        {
            var norm = root["tensors"]!.AsArray().First(tensor => tensor!["name"]!.GetValue<string>() == "model.norm.weight")!;
            norm["shape"] = JsonNode.Parse("[1, 64]");
        });
        using var folder = made.Copy(manifest);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.File("store.json")}: model.norm.weight: the shape is [1, 64]; the store's model asks for [64]. Convert the checkpoint again.", fault.Message);
    }
}
