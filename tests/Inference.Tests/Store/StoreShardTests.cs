using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Shards as other people's readers see them.</summary>
public sealed class StoreShardTests
{
    public static TheoryData<string, bool> Checkpoints
    {
        get
        {
            var data = new TheoryData<string, bool> { { "nano", false }, { "nano", true } };
            foreach (var name in new[] { "v3-fp32", "v3-bf16", "v3-fp8", "v3-no-yarn", "v3-no-qlora", "v3-mtp", "v2-lite", "v2", "distill-qwen2", "distill-llama" })
                data.Add(name, name is "v3-mtp" or "v3-fp8");
            return data;
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public async Task ConvertAsync_AnyCheckpoint_MakesFilesThatAnyReaderOpens(string checkpoint, bool unchanged)
    {
        var source = checkpoint == "nano" ? TestPaths.Nano : Fixture.Folder(checkpoint);
        using var folder = await Stores.ConvertAsync(source, unchanged ? Stores.Unchanged : null);
        using var published = CheckpointFolder.Open(source);
        var manifest = StoreManifestReader.Read(folder.Path);

        var shards = Directory.EnumerateFiles(folder.Path, "*.safetensors").ToDictionary(path => Path.GetFileName(path), path => new PublishedSafetensors(path));

        Assert.Equal(manifest.Layout.Shards.Select(shard => shard.File).Order(StringComparer.Ordinal), shards.Keys.Order(StringComparer.Ordinal));
        Assert.All(shards.Values, shard => Assert.Equal(0, shard.DataOffset % 4096));

        // What stays as it is: the checkpoint's own type, shape and bytes.
        var plain = manifest.Layout.Tensors.Where(tensor => tensor.Precision is null).ToList();
        Assert.Contains(plain, tensor => tensor.Name == "model.norm.weight");
        Assert.Equal(ModelConfig.Load(source).Experts is not null, plain.Exists(tensor => tensor.Name.EndsWith("mlp.gate.weight", StringComparison.Ordinal)));
        foreach (var tensor in plain)
        {
            var shard = shards[manifest.Layout.Shards[tensor.Shard].File];
            var expected = published.Tensors[tensor.Name];
            var actual = shard.Tensors[tensor.Name];
            Assert.Equal((expected.Type.Name(), string.Join(",", expected.Shape)), (actual.Type, string.Join(",", actual.Shape)));
            Assert.Equal(tensor.Offset, shard.DataOffset + actual.Begin);
            Assert.Equal(published.Bytes(expected), shard.Bytes(tensor.Name));
        }

        // Everything else is bytes, of the lengths and at the places that the manifest says, and padding is zeros.
        foreach (var tensor in manifest.Layout.Tensors.Where(tensor => tensor.Precision is not null))
        {
            var actual = shards[manifest.Layout.Shards[tensor.Shard].File].Tensors[tensor.Name];
            Assert.Equal(("U8", tensor.Length), (actual.Type, actual.End - actual.Begin));
        }

        foreach (var run in manifest.Layout.Experts)
        {
            var shard = shards[manifest.Layout.Shards[run.Shard].File];
            Assert.Equal(run.Count, shard.Tensors.Count);
            for (var expert = 0; expert < run.Count; expert++)
            {
                var (type, _, begin, end) = shard.Tensors[FormattableString.Invariant($"model.layers.{run.Layer}.mlp.experts.{expert}")];
                Assert.Equal(("U8", manifest.Layout.Shards[run.Shard].PageOffsets[run.FirstPage + expert], (long)run.Record.Length), (type, shard.DataOffset + begin, end - begin));
                Assert.Equal((0, 0), ((int)((shard.DataOffset + begin) % 4096), (int)(end % 4096)));
            }
        }

        Assert.All(shards.Values, shard => Assert.All(shard.Tensors.Keys.Where(name => name.StartsWith("padding.", StringComparison.Ordinal)), name => Assert.All(shard.Bytes(name), value => Assert.Equal(0, value))));
    }
}
