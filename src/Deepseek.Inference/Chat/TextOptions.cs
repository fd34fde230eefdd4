using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Chat;

/// <summary>How a text is continued.</summary>
public sealed record TextOptions
{
    /// <summary>How tokens are chosen and counted.</summary>
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>Strings that end the text, which is cut before them; text is held back while it may become one. None by default.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Tokens that the model may think before it is made to answer, 0 or more; null (the default) for as many as it likes. Of account where a prompt parts reasoning from the answer.</summary>
    public int? MaxReasoningTokens { get; init; }

    /// <summary>A form that the text must have, such as JSON; null (the default) for none. It is applied after the processors of <see cref="Generation"/>'s sampling.</summary>
    public TextConstraint? Constraint { get; init; }

    /// <summary>Reports every fault at once.</summary>
    internal void Validate()
    {
        List<string> faults = [];
        if (Generation is null)
            faults.Add($"{nameof(Generation)} is null; leave it out for the defaults.");
        if (StopStrings is null)
            faults.Add($"{nameof(StopStrings)} is null; leave it out for none.");
        if (MaxReasoningTokens < 0)
            faults.Add($"{nameof(MaxReasoningTokens)} is {MaxReasoningTokens}; it must be 0 or more.");
        if (MaxReasoningTokens is not null && Generation?.Chain is not null)
            faults.Add($"{nameof(MaxReasoningTokens)} is given together with a chain of your own ({nameof(GenerationOptions.Chain)}), which decides alone; give {nameof(GenerationOptions.Sampling)} instead.");
        for (var i = 0; i < (StopStrings?.Count ?? 0); i++)
        {
            if (string.IsNullOrEmpty(StopStrings![i]))
                faults.Add($"{nameof(StopStrings)}[{i}] is {(StopStrings[i] is null ? "null" : "empty")}; it must have at least one character.");
        }

        if (Constraint is not null && Generation?.Chain is not null)
            faults.Add($"{nameof(Constraint)} is given beside {nameof(Generation)}.{nameof(GenerationOptions.Chain)}, which leaves no place for it; describe the chain by {nameof(Generation)}.{nameof(GenerationOptions.Sampling)} instead.");
        if (Constraint is not null && Generation?.EndTokens is { Count: 0 })
            faults.Add($"{nameof(Constraint)} is given, and {nameof(Generation)}.{nameof(GenerationOptions.EndTokens)} is empty; one token at least must be able to end the text. Leave it out for the model's own.");

        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(TextOptions)}: {string.Join(" ", faults)}");
        Generation!.Validate();
    }
}
