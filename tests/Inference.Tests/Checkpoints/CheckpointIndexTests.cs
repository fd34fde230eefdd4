using System.Text;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Checkpoints;

public sealed class CheckpointIndexTests
{
    [Fact]
    public void Parse_SoundIndex_GivesShardsInOrder()
    {
        var index = Parse("""{"metadata": {"total_size": 1, "more": [{}]}, "weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}}""");

        Assert.Equal(["2.safetensors", "1.safetensors"], index.Shards);
        Assert.Equal("1.safetensors", index.ShardOf["b"]);
        Assert.Equal(3, index.ShardOf.Count);
    }

    [Theory]
    [InlineData("../x.safetensors")]
    [InlineData("/etc/x.safetensors")]
    [InlineData("sub/x.safetensors")]
    [InlineData("sub\\\\x.safetensors")]
    [InlineData("C:x.safetensors")]
    [InlineData("x.safetensors:stream")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("passwd")]
    [InlineData("a\\u0000.safetensors")]
    [InlineData("a\\n.safetensors")]
    public void Parse_ShardThatIsNoPlainFileName_IsRefused(string shard)
    {
        var e = Assert.Throws<CheckpointFormatException>(() => Parse($$$"""{"weight_map": {"a": "{{{shard}}}"}}"""));

        Assert.StartsWith("index.json: a: weight_map places the tensor in \"", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("; a shard must be a plain file name that ends in .safetensors, in the index's own folder.", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "index: It is not valid JSON at byte 0; the file is damaged, fetch it again.")]
    [InlineData("[]", "index: Found an array; expected an object with weight_map.")]
    [InlineData("{}", "weight_map: It is missing; an index maps every tensor to its shard.")]
    [InlineData("{\"weight_map\": []}", "weight_map: Found an array; expected an object of tensors and their shards.")]
    [InlineData("{\"weight_map\": {\"a\": 1}}", "a: Found 1; expected the name of a shard.")]
    [InlineData("{\"weight_map\": {}, \"weight_map\": {}}", "weight_map: It is stated twice; which one counts is unknown.")]
    [InlineData("{\"weight_map\": {\"a\": \"x.safetensors\", \"a\": \"x.safetensors\"}}", "a: weight_map names the tensor twice; which shard counts is unknown.")]
    [InlineData("{\"weight_map\": {}} 1", "index: It is not valid JSON at byte 19; the file is damaged, fetch it again.")]
    public void Parse_UnsoundIndex_SaysWhatIsWrong(string json, string expected)
    {
        var e = Assert.Throws<CheckpointFormatException>(() => Parse(json));

        Assert.Equal("index.json: " + expected, e.Message);
    }

    [Fact]
    public void Parse_NameTooLongForAFileSystem_IsRefused()
    {
        var json = $$$"""{"weight_map": {"a": "{{{new string('x', 244)}}}.safetensors"}}""";

        Assert.Throws<CheckpointFormatException>(() => Parse(json));
        Assert.Single(Parse(json.Replace("xx.safe", "x.safe", StringComparison.Ordinal)).Shards);
    }

    private static CheckpointIndex Parse(string json) => CheckpointIndex.Parse(Encoding.UTF8.GetBytes(json), "index.json");
}
