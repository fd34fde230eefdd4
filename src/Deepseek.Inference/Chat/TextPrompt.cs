using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>What a reply continues: tokens, and how the reply's text is to be read.</summary>
/// <param name="Ids">The prompt's tokens.</param>
/// <param name="SplitReasoning">Whether <c>&lt;think&gt;</c> and <c>&lt;/think&gt;</c> part the reply's reasoning from its answer; else all of it is text.</param>
/// <param name="StartsInReasoning">The prompt ends within the reasoning, as R1's templates do.</param>
public sealed record TextPrompt(IReadOnlyList<int> Ids, bool SplitReasoning = false, bool StartsInReasoning = false)
{
    /// <summary>Whether calls of tools are read from the reply's answer, rather than left in its text. Default false.</summary>
    public bool ReadsToolCalls { get; init; }

    /// <summary>How the model writes them.</summary>
    internal ToolCallForm ToolCallForm { get; init; }
}
