using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization;

/// <summary>Reads the <c>pre_tokenizer</c> of a <c>tokenizer.json</c>.</summary>
internal static class TextSplitterReader
{
    // GPT-2's pattern, which ByteLevel applies where use_regex is set (huggingface/tokenizers src/pre_tokenizers/byte_level.rs).
    private const string ByteLevelPattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const int MaxStages = 64;

    /// <summary>Reads the component and those within it.</summary>
    /// <exception cref="CheckpointFormatException">A component or pattern is malformed or not supported.</exception>
    public static TextSplitter Read(JsonPart root)
    {
        if (root.Optional("pre_tokenizer") is not { } top)
            throw root.Fault("it has no pre_tokenizer; only byte-level tokenizers are supported, which need the component ByteLevel");
        var components = Flatten(top).Take(MaxStages + 1).ToList();
        if (components.Count > MaxStages)
            throw top.Fault($"it has more than {MaxStages} components");

        List<RunePattern> stages = [];
        var addPrefixSpace = false;
        for (var i = 0; i < components.Count; i++)
        {
            var component = components[i];
            var type = component.Required("type").Text();
            if (type == "ByteLevel" != (i == components.Count - 1))
                throw component.Fault($"the component {type} stands here; ByteLevel must be the last component, and no other");
            switch (type)
            {
                case "Split":
                    stages.Add(ReadSplit(component));
                    break;
                case "Digits":
                    // Rust's char::is_numeric is the general category N.
                    stages.Add(new RunePattern(component.OptionalFlag("individual_digits") ? @"\p{N}" : @"\p{N}+"));
                    break;
                case "ByteLevel":
                    addPrefixSpace = component.Optional("add_prefix_space")?.Flag() ?? true;
                    if (addPrefixSpace && stages.Count > 0)
                        throw component.Fault("add_prefix_space is true after other components; that is supported where ByteLevel stands alone");
                    if (component.Optional("use_regex")?.Flag() ?? true)
                        stages.Add(new RunePattern(ByteLevelPattern));
                    break;
                default:
                    throw component.Fault($"the component {JsonPart.Shortened(type)} is not supported; Sequence, Split, Digits and ByteLevel are");
            }
        }

        return components.Count > 0
            ? new TextSplitter(addPrefixSpace, stages)
            : throw top.Fault("it has no component; only byte-level tokenizers are supported, which need the component ByteLevel");
    }

    private static IEnumerable<JsonPart> Flatten(JsonPart component) =>
        component.Required("type").Text() == "Sequence"
            ? component.Required("pretokenizers").Items().SelectMany(Flatten)
            : [component];

    private static RunePattern ReadSplit(JsonPart component)
    {
        var behavior = component.Required("behavior").Text();
        if (behavior != "Isolated" || component.OptionalFlag("invert"))
            throw component.Fault($"the behavior {JsonPart.Shortened(behavior)}{(behavior == "Isolated" ? " inverted" : "")} is not supported; Isolated, not inverted, is");
        var pattern = component.Required("pattern");
        var part = pattern.Optional("Regex") ?? pattern.Required("String");
        var text = part.Text();
        try
        {
            return new RunePattern(pattern.Optional("Regex") is null ? EscapeLiteral(text) : text);
        }
        catch (FormatException cause)
        {
            throw part.Fault($"the pattern {JsonPart.Shortened(text)} cannot be used: {cause.Message}", cause);
        }
    }

    private static string EscapeLiteral(string text) =>
        string.Concat(text.EnumerateRunes().Select(rune => $"\\x{{{rune.Value:X}}}"));
}
