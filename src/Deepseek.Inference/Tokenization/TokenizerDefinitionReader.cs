using System.Text.Json;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization;

/// <summary>Reads a <c>tokenizer.json</c>.</summary>
/// <remarks>
/// The format is that of huggingface/tokenizers; what it can express and this library does not do is refused by name, never skipped.
/// Two parts do not matter here and are not read: the post-processor adds special tokens, which callers do by themselves,
/// and truncation and padding.
/// </remarks>
internal static class TokenizerDefinitionReader
{
    private const int MaxAddedTokenLength = 1024; // UTF-16 units; it bounds the work of looking for one at every character

    /// <summary>Reads the file's content.</summary>
    /// <exception cref="CheckpointFormatException">The content is not what it must be, or asks for what is not supported.</exception>
    public static TokenizerDefinition Read(string path, byte[] content)
    {
        using var document = JsonFile.Parse(path, content);
        var root = new JsonPart(path, string.Empty, document.RootElement);
        var model = root.Required("model");
        var vocabulary = ReadVocabulary(model.Required("vocab"));
        CheckModel(model, vocabulary);
        CheckDecoder(root);
        return new TokenizerDefinition(
            vocabulary,
            ReadMerges(model.Required("merges"), vocabulary),
            model.OptionalFlag("ignore_merges"),
            ReadAddedTokens(root),
            ReadNormalizer(root),
            TextSplitterReader.Read(root));
    }

    private static void CheckModel(JsonPart model, Dictionary<string, int> vocabulary)
    {
        var type = model.Required("type").Text();
        if (type != "BPE")
            throw model.Fault($"its type is {JsonPart.Shortened(type)}; it must be BPE");
        if (model.OptionalFlag("byte_fallback"))
            throw model.Fault("byte_fallback is true; only byte-level vocabularies are supported, which have no need of it");
        if (model.Optional("dropout") is { } dropout && !(dropout.Element.ValueKind == JsonValueKind.Number && dropout.Element.TryGetDouble(out var rate) && rate == 0))
            throw dropout.Fault($"it is {JsonPart.Shortened(dropout.Element.GetRawText())}; it must be null or 0, since it makes ids random");
        foreach (var name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (model.Optional(name) is { } affix && affix.Text().Length > 0)
                throw affix.Fault("it is not empty; byte-level vocabularies have no such marks");
        }

        if (model.Optional("unk_token") is { } unknown
            && Enumerable.Range(0, 256).Any(b => !vocabulary.ContainsKey(ByteLevelAlphabet.Character((byte)b).ToString())))
        {
            throw unknown.Fault("it is set and the vocabulary lacks some bytes; it must be null, or the vocabulary must hold all 256 bytes");
        }
    }

    private static Dictionary<string, int> ReadVocabulary(JsonPart part)
    {
        part.RequireKind(JsonValueKind.Object);
        Dictionary<string, int> vocabulary = [];
        foreach (var entry in part.Element.EnumerateObject())
        {
            var name = entry.Name;
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out var id) || id < 0)
                throw part.Fault($"the id of '{JsonPart.Shortened(name)}' is {JsonPart.Shortened(entry.Value.GetRawText())}; it must be an integer from 0 to {int.MaxValue}");
            vocabulary.Add(name, id);
        }

        return vocabulary.Keys.Any(ByteLevelAlphabet.Spells)
            ? vocabulary
            : throw part.Fault("it holds no byte-level token; the file is damaged or of another kind");
    }

    /// <summary>A merge is written as "left right" or, since tokenizers 0.20, as a pair of strings.</summary>
    private static List<(string Left, string Right)> ReadMerges(JsonPart part, Dictionary<string, int> vocabulary)
    {
        List<(string Left, string Right)> merges = [];
        foreach (var entry in part.Items())
        {
            var halves = entry.Element.ValueKind == JsonValueKind.Array
                ? [.. entry.Items().Take(3).Select(half => half.Text())]
                : entry.Text().Split(' ', 4);
            if (halves is not [var left, var right])
                throw entry.Fault($"it is {JsonPart.Shortened(entry.Element.GetRawText())}; it must be two tokens, as a pair or with one space between them");
            foreach (var token in new[] { left, right, left + right })
            {
                if (!vocabulary.ContainsKey(token))
                    throw entry.Fault($"it needs the token '{JsonPart.Shortened(token)}', which the vocabulary lacks");
            }

            merges.Add((left, right));
        }

        return merges;
    }

    private static List<AddedToken> ReadAddedTokens(JsonPart root)
    {
        List<AddedToken> tokens = [];
        foreach (var entry in root.Optional("added_tokens")?.Items() ?? [])
        {
            var content = entry.Required("content").Text();
            if (content.Length is 0 or > MaxAddedTokenLength)
                throw entry.Fault($"its content has {content.Length} characters; it must have 1 to {MaxAddedTokenLength}");
            var special = entry.OptionalFlag("special");
            tokens.Add(new AddedToken(
                entry.Required("id").Natural(), content, special, entry.Optional("normalized")?.Flag() ?? !special,
                entry.OptionalFlag("lstrip"), entry.OptionalFlag("rstrip"), entry.OptionalFlag("single_word")));
        }

        return tokens;
    }

    /// <summary>Whether the text is composed; nothing and an empty sequence leave it alone.</summary>
    private static bool ReadNormalizer(JsonPart root)
    {
        var compose = false;
        foreach (var component in root.Optional("normalizer") is { } top ? Flatten(top, "normalizers") : [])
        {
            var type = component.Required("type").Text();
            compose |= type == "NFC"
                ? true
                : throw component.Fault($"the normalizer {JsonPart.Shortened(type)} is not supported; NFC and none are");
        }

        return compose;
    }

    /// <summary>Fuse joins strings, of which ByteLevel has left a single one: both together are as good as ByteLevel.</summary>
    private static void CheckDecoder(JsonPart root)
    {
        if (root.Optional("decoder") is not { } top)
            throw root.Fault("it has no decoder; it must be ByteLevel");
        var components = Flatten(top, "decoders").ToList();
        foreach (var component in components)
        {
            var type = component.Required("type").Text();
            if (type is not ("ByteLevel" or "Fuse"))
                throw component.Fault($"the decoder {JsonPart.Shortened(type)} is not supported; ByteLevel is");
        }

        if (components.Count == 0 || components[0].Required("type").Text() != "ByteLevel")
            throw top.Fault("it does not begin with ByteLevel, as byte-level vocabularies need");
    }

    private static IEnumerable<JsonPart> Flatten(JsonPart component, string list) =>
        component.Required("type").Text() == "Sequence"
            ? component.Required(list).Items().SelectMany(part => Flatten(part, list))
            : [component];
}
