using System.Text.Json.Nodes;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class DeepseekTokenizerLoadingTests
{
    /// <summary>What is wrong with tokenizer.json, the part that the error names, and its reason.</summary>
    private static readonly Dictionary<string, (Action<JsonObject> Damage, string? Subject, string Reason)> s_faults = new()
    {
        ["no model"] = (root => root.Remove("model"), null, "the key 'model' is missing"),
        ["model of another kind"] = (root => root["model"] = 1, "model", "it is a number; it must be an object"),
        ["model type"] = (root => root["model"]!["type"] = "Unigram", "model", "its type is Unigram; it must be BPE"),
        ["byte fallback"] = (root => root["model"]!["byte_fallback"] = true, "model", "byte_fallback is true"),
        ["flag of another kind"] = (root => root["model"]!["ignore_merges"] = "yes", "model.ignore_merges", "it is a string; it must be true or false"),
        ["dropout"] = (root => root["model"]!["dropout"] = 0.1, "model.dropout", "it is 0.1; it must be null or 0"),
        ["prefix"] = (root => root["model"]!["continuing_subword_prefix"] = "##", "model.continuing_subword_prefix", "it is not empty"),
        ["suffix"] = (root => root["model"]!["end_of_word_suffix"] = "</w>", "model.end_of_word_suffix", "it is not empty"),
        ["unknown token"] = (UnknownToken, "model.unk_token", "it is set and the vocabulary lacks some bytes"),
        ["no vocabulary"] = (root => root["model"]!["vocab"] = new JsonArray(), "model.vocab", "it is an array; it must be an object"),
        ["empty vocabulary"] = (root => root["model"]!["vocab"] = new JsonObject(), "model.vocab", "it holds no byte-level token"),
        ["negative id"] = (root => root["model"]!["vocab"]!["a"] = -1, "model.vocab", "the id of 'a' is -1; it must be an integer from 0"),
        ["fractional id"] = (root => root["model"]!["vocab"]!["a"] = 1.5, "model.vocab", "the id of 'a' is 1.5"),
        ["id that is no number"] = (root => root["model"]!["vocab"]!["a"] = "b", "model.vocab", "the id of 'a' is \"b\""),
        ["id beyond 31 bits"] = (root => root["model"]!["vocab"]!["a"] = 1L << 31, "model.vocab", "the id of 'a' is 2147483648"),
        ["id far out"] = (root => root["model"]!["vocab"]!["a"] = int.MaxValue, "model.vocab", "the token 'a' has the id 2147483647 among 257 tokens; ids must run from 0 without large gaps"),
        ["id twice"] = (root => root["model"]!["vocab"]!["a"] = (int)'b', "model.vocab", "have the same id 98"),
        ["merge of one token"] = (root => root["model"]!["merges"]![0] = "ab", "model.merges[0]", "it is \"ab\"; it must be two tokens"),
        ["merge of three tokens"] = (root => root["model"]!["merges"]![0] = "a b c", "model.merges[0]", "it must be two tokens"),
        ["merge of three strings"] = (root => root["model"]!["merges"]![0] = new JsonArray("a", "b", "c"), "model.merges[0]", "it must be two tokens"),
        ["merge of a missing token"] = (root => root["model"]!["merges"]![0] = "a xyz", "model.merges[0]", "it needs the token 'xyz', which the vocabulary lacks"),
        ["merge into a missing token"] = (root => root["model"]!["merges"]![0] = "b a", "model.merges[0]", "it needs the token 'ba'"),
        ["merge of another kind"] = (root => root["model"]!["merges"]![0] = 5, "model.merges[0]", "it is a number; it must be a string"),
        ["merges of another kind"] = (root => root["model"]!["merges"] = "a b", "model.merges", "it is a string; it must be an array"),
        ["added token without id"] = (root => root["added_tokens"]!.AsArray().Add(new JsonObject { ["content"] = "<s>" }), "added_tokens[0]", "the key 'id' is missing"),
        ["added token with negative id"] = (root => Add(root, -5, "<s>"), "added_tokens[0].id", "it is -5; it must be an integer from 0"),
        ["empty added token"] = (root => Add(root, 300, ""), "added_tokens[0]", "its content has 0 characters; it must have 1 to 1024"),
        ["long added token"] = (root => Add(root, 300, new string('x', 1025)), "added_tokens[0]", "its content has 1025 characters"),
        ["added token twice"] = (AddedTwice, "added_tokens[1]", "the token '<s>' occurs twice"),
        ["added token with another id"] = (root => Add(root, 300, "ab"), "added_tokens[0]", "the token 'ab' has the id 300 here and 256 in the vocabulary"),
        ["added token with a taken id"] = (root => Add(root, 256, "<s>"), "model.vocab", "the tokens 'ab' and '<s>' have the same id 256"),
        ["added tokens of another kind"] = (root => root["added_tokens"] = new JsonObject(), "added_tokens", "it is an object; it must be an array"),
        ["normalizer"] = (root => root["normalizer"] = Component("NFKC"), "normalizer", "the normalizer NFKC is not supported; NFC and none are"),
        ["normalizer without type"] = (root => root["normalizer"] = new JsonObject(), "normalizer", "the key 'type' is missing"),
        ["no decoder"] = (root => root.Remove("decoder"), null, "it has no decoder; it must be ByteLevel"),
        ["decoder"] = (root => root["decoder"] = Component("WordPiece"), "decoder", "the decoder WordPiece is not supported"),
        ["decoder without ByteLevel"] = (root => root["decoder"] = Component("Fuse"), "decoder", "it does not begin with ByteLevel"),
        ["no pre-tokenizer"] = (root => root["pre_tokenizer"] = null, null, "it has no pre_tokenizer"),
        ["empty pre-tokenizer"] = (root => root["pre_tokenizer"] = new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray() }, "pre_tokenizer", "it has no component"),
        ["ByteLevel not last"] = (root => Components(root).Add(TinyTokenizer.Split("a")), "pre_tokenizer.pretokenizers[0]", "the component ByteLevel stands here"),
        ["unknown component"] = (root => Components(root).Insert(0, Component("Metaspace")), "pre_tokenizer.pretokenizers[0]", "the component Metaspace is not supported"),
        ["prefix space after a split"] = (PrefixAfterSplit, "pre_tokenizer.pretokenizers[1]", "add_prefix_space is true after other components"),
        ["too many components"] = (TooManyComponents, "pre_tokenizer", "it has more than 64 components"),
        ["split behaviour"] = (root => Components(root).Insert(0, Split("behavior", "Removed")), "pre_tokenizer.pretokenizers[0]", "the behavior Removed is not supported"),
        ["inverted split"] = (root => Components(root).Insert(0, Split("invert", true)), "pre_tokenizer.pretokenizers[0]", "the behavior Isolated inverted is not supported"),
        ["split without pattern"] = (root => Components(root).Insert(0, Split("pattern", new JsonObject())), "pre_tokenizer.pretokenizers[0].pattern", "the key 'String' is missing"),
        ["pattern"] = (root => Components(root).Insert(0, TinyTokenizer.Split(@"\b")), "pre_tokenizer.pretokenizers[0].pattern.Regex", @"the pattern \b cannot be used: \b at position 2 is not supported"),
    };

    public static TheoryData<string> Faults => [.. s_faults.Keys];

    [Theory, MemberData(nameof(Faults))]
    public void Load_FaultyDefinition_NamesFilePartAndReason(string name)
    {
        var definition = TinyTokenizer.Definition("a b");
        s_faults[name].Damage(definition);

        var fault = Assert.Throws<CheckpointFormatException>(() => TinyTokenizer.Load(definition));

        Assert.EndsWith("tokenizer.json", fault.File, StringComparison.Ordinal);
        Assert.Equal(s_faults[name].Subject, fault.Subject);
        Assert.Contains(s_faults[name].Reason, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"model\":", "the file is not valid JSON")]
    [InlineData("{\"model\":{},\"model\":{}}", "the file is not valid JSON")]
    [InlineData("[]", "it is an array; it must be an object")]
    [InlineData("", "the file is not valid JSON")]
    [InlineData("""{"model":{"type":"\ud800","vocab":{"a":0}}}""", "model.type: the string holds half a surrogate pair")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"\ud800":0}}}""", "missing low surrogate")]
    public void Load_DefinitionThatIsNoProperJson_Throws(string content, string reason)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", content);

        var fault = Assert.Throws<CheckpointFormatException>(() => DeepseekTokenizer.Load(folder.Path));

        Assert.StartsWith(folder.File("tokenizer.json"), fault.Message, StringComparison.Ordinal);
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_DeepNesting_Throws()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", new string('[', 1_000_000));

        Assert.Contains("not valid JSON", Assert.Throws<CheckpointFormatException>(() => DeepseekTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_BytesThatAreNoUtf8_Throws()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", [(byte)'"', 0xFF, (byte)'"']);

        Assert.Contains("the file is not UTF-8 text", Assert.Throws<CheckpointFormatException>(() => DeepseekTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_FileTooLarge_Throws()
    {
        using var folder = new TemporaryFolder();
        using (var file = File.Create(folder.File("tokenizer.json")))
            file.SetLength((256L << 20) + 1); // sparse: takes no space

        Assert.Contains("the file has 268435457 bytes", Assert.Throws<CheckpointFormatException>(() => DeepseekTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MissingFile_Throws()
    {
        using var folder = new TemporaryFolder();

        Assert.Contains("the file is missing", Assert.Throws<CheckpointFormatException>(() => DeepseekTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointFormatException>(() => DeepseekTokenizer.Load(folder.File("no such folder")));
    }

    [Fact]
    public void Load_FolderInPlaceOfTheFile_Throws()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("tokenizer.json"));

        Assert.Contains("the file cannot be read", Assert.Throws<CheckpointFormatException>(() => DeepseekTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MergesAsPairsAndIdsWithGaps_AreUnderstood()
    {
        var definition = TinyTokenizer.Definition("a b");
        definition["model"]!["merges"]![0] = new JsonArray("a", "b");
        definition["model"]!["unk_token"] = "a"; // of no effect, since the vocabulary holds all bytes
        Add(definition, 1000, "<s>");

        var tokenizer = TinyTokenizer.Load(definition);

        Assert.Equal([256, 1000], tokenizer.Encode("ab<s>"));
        Assert.Equal(1001, tokenizer.VocabularySize);
        Assert.Null(tokenizer.TokenText(500));
        Assert.Contains("No token has the id 500", Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([500])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_DecoderSequence_IsUnderstood()
    {
        var definition = TinyTokenizer.Definition();
        definition["decoder"] = new JsonObject { ["type"] = "Sequence", ["decoders"] = new JsonArray(Component("ByteLevel"), Component("Fuse")) };

        Assert.Equal("a", TinyTokenizer.Load(definition).Decode(['a']));
    }

    private static JsonObject Component(string type) => new() { ["type"] = type };

    private static JsonObject Split(string key, JsonNode value)
    {
        var split = TinyTokenizer.Split("a");
        split[key] = value;
        return split;
    }

    private static void Add(JsonObject root, int id, string content) => root["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(id, content));

    private static JsonArray Components(JsonObject root)
    {
        root["pre_tokenizer"] = TinyTokenizer.Splits();
        return root["pre_tokenizer"]!["pretokenizers"]!.AsArray();
    }

    private static void AddedTwice(JsonObject root)
    {
        Add(root, 300, "<s>");
        Add(root, 301, "<s>");
    }

    private static void UnknownToken(JsonObject root)
    {
        root["model"]!["unk_token"] = "a";
        root["model"]!["vocab"]!.AsObject().Remove("z");
    }

    private static void PrefixAfterSplit(JsonObject root)
    {
        var components = Components(root);
        components.Insert(0, TinyTokenizer.Split("a"));
        components[1]!["add_prefix_space"] = true;
    }

    private static void TooManyComponents(JsonObject root)
    {
        var components = Components(root);
        for (var i = 0; i < 64; i++)
            components.Insert(0, TinyTokenizer.Split("a"));
    }
}
