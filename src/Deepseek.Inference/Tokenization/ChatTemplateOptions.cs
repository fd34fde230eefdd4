using System.Text.Json;

namespace Deepseek.Inference.Tokenization;

/// <summary>What a chat template is given beside the messages.</summary>
public sealed record ChatTemplateOptions
{
    // What Render passes by these names, and what the language gives a meaning of its own.
    private static readonly HashSet<string> Reserved = new(["messages", "tools", "documents", "add_generation_prompt"], StringComparer.Ordinal);

    /// <summary>Whether the prompt ends where the assistant begins to speak. Default true.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>The template's <c>bos_token</c>, such as <c>&lt;｜begin▁of▁sentence｜&gt;</c>; null leaves it undefined. Default null.</summary>
    public string? BeginToken { get; init; }

    /// <summary>The template's <c>eos_token</c>, such as <c>&lt;｜end▁of▁sentence｜&gt;</c>; null leaves it undefined. Default null.</summary>
    public string? EndToken { get; init; }

    /// <summary>Tools on offer: a JSON array of <c>{"type": "function", "function": {…}}</c>. Default null, the template's None.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>More variables by name, such as <c>thinking</c> or <c>enable_thinking</c>; a name of another option wins over that option only for the two tokens. Default null.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Variables { get; init; }

    /// <summary>The clock behind <c>strftime_now</c>. Default the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Reports every fault at once.</summary>
    internal void Validate()
    {
        List<string> faults = [];
        if (Tools is { ValueKind: not (JsonValueKind.Array or JsonValueKind.Null) } tools)
            faults.Add($"{nameof(Tools)} is JSON of the kind {tools.ValueKind}; it must be an array of tools.");
        foreach (var (name, value) in Variables ?? new Dictionary<string, JsonElement>())
        {
            if (Reserved.Contains(name))
                faults.Add($"{nameof(Variables)} holds '{name}'; the name is taken, so use the argument or option of that name.");
            if (value.ValueKind == JsonValueKind.Undefined)
                faults.Add($"{nameof(Variables)} holds '{name}' with an empty JSON element; it must come from a parsed document.");
        }

        if (TimeProvider is null)
            faults.Add($"{nameof(TimeProvider)} is null; it must be a clock, such as TimeProvider.System.");
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(ChatTemplateOptions)}: {string.Join(" ", faults)}");
    }
}
