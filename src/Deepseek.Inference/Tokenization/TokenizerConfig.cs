using System.Text.Json;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization;

/// <summary>What <c>tokenizer_config.json</c> says and a prompt needs.</summary>
/// <param name="BeginToken">Text of the token that begins a sequence.</param>
/// <param name="EndToken">Text of the token that ends one.</param>
/// <param name="AddBeginToken">The begin token is put before a prompt that is no chat.</param>
/// <param name="ModelMaxLength">Longest sequence in tokens; null where the file sets no bound.</param>
/// <param name="ChatTemplate">The Jinja template of a conversation.</param>
internal sealed record TokenizerConfig(string? BeginToken, string? EndToken, bool AddBeginToken, int? ModelMaxLength, string? ChatTemplate)
{
    /// <summary>What holds where the file is missing.</summary>
    public static TokenizerConfig None { get; } = new(null, null, false, null, null);

    /// <summary>Reads the file's content.</summary>
    /// <exception cref="CheckpointFormatException">The content is not what it must be.</exception>
    public static TokenizerConfig Read(string path, byte[] content)
    {
        using var document = JsonFile.Parse(path, content);
        var root = new JsonPart(path, string.Empty, document.RootElement);
        return new TokenizerConfig(
            TokenOf(root.Optional("bos_token")),
            TokenOf(root.Optional("eos_token")),
            root.OptionalFlag("add_bos_token"),
            LengthOf(root.Optional("model_max_length")),
            TemplateOf(root.Optional("chat_template")));
    }

    /// <summary>A token is written as its text or as an object that describes it.</summary>
    private static string? TokenOf(JsonPart? part) =>
        part is { Element.ValueKind: JsonValueKind.Object } token ? token.Required("content").Text() : part?.Text();

    /// <summary>Transformers writes 10³⁰ for "no bound", in digits or with an exponent.</summary>
    private static int? LengthOf(JsonPart? part)
    {
        if (part is not { } length)
            return null;
        length.RequireKind(JsonValueKind.Number);
        if (length.Element.TryGetDouble(out var value) && value > int.MaxValue)
            return null;
        return length.Natural();
    }

    /// <summary>A template is written as a string or as a list of named ones, of which one is called "default".</summary>
    private static string? TemplateOf(JsonPart? part)
    {
        if (part is not { Element.ValueKind: JsonValueKind.Array } list)
            return part?.Text();
        string? chosen = null;
        foreach (var entry in list.Items())
        {
            var (name, template) = (entry.Required("name").Text(), entry.Required("template").Text());
            if (name == "default")
                chosen = template;
        }

        return chosen;
    }
}
