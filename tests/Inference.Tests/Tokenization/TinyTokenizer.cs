using System.Text.Json.Nodes;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

/// <summary>Small tokenizers made by hand: token b is byte b, and the result of merge i is token 256 + i.</summary>
internal static class TinyTokenizer
{
    /// <summary>A definition with the given merges, GPT-2's splitting and no added tokens.</summary>
    public static JsonObject Definition(params string[] merges)
    {
        var vocabulary = new JsonObject();
        for (var b = 0; b < 256; b++)
            vocabulary[ByteLevelAlphabet.Character((byte)b).ToString()] = b;
        for (var i = 0; i < merges.Length; i++)
            vocabulary[merges[i].Replace(" ", "", StringComparison.Ordinal)] = 256 + i;

        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = ByteLevel(useRegex: true),
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
            },
        };
    }

    public static JsonObject ByteLevel(bool useRegex, bool addPrefixSpace = false) =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = addPrefixSpace, ["use_regex"] = useRegex };

    /// <summary>Splits by patterns, one after the other, then bytes.</summary>
    public static JsonObject Splits(params string[] patterns) => new()
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray([.. patterns.Select(Split), ByteLevel(useRegex: false)]),
    };

    public static JsonObject Split(string pattern) => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { ["Regex"] = pattern },
        ["behavior"] = "Isolated",
        ["invert"] = false,
    };

    public static JsonObject Added(int id, string content, bool special = true, bool normalized = false) =>
        new() { ["id"] = id, ["content"] = content, ["special"] = special, ["normalized"] = normalized };

    /// <summary>Loads a definition through files, as a model folder holds them.</summary>
    public static DeepseekTokenizer Load(JsonObject definition, JsonObject? config = null)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", definition.ToJsonString());
        if (config is not null)
            folder.Write("tokenizer_config.json", config.ToJsonString());
        return DeepseekTokenizer.Load(folder.Path);
    }
}

/// <summary>A folder that is gone at the end of a test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("deepseek-tokenizer-").FullName;

    public void Write(string name, string content) => System.IO.File.WriteAllText(File(name), content);

    public void Write(string name, byte[] content) => System.IO.File.WriteAllBytes(File(name), content);

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
