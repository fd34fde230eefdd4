using Deepseek.Inference.Generation;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>What has become certain of a reply since the last update.</summary>
/// <param name="Reasoning">More of the reasoning; may be empty.</param>
/// <param name="Text">More of the answer; may be empty.</param>
/// <param name="Completion">The whole reply, with the last update alone.</param>
public readonly record struct TextUpdate(string Reasoning, string Text, TextCompletion? Completion = null)
{
    /// <summary>The token that brought the update. Its own text may have to wait for tokens to come.</summary>
    public TokenResult Token { get; init; }

    /// <summary>Whether that token belongs to the reasoning, as the tags around it do; false where reasoning is not parted from the text.</summary>
    public bool IsReasoning { get; init; }

    /// <summary>Calls of tools that are complete now; most often none. They are read where <see cref="TextPrompt.ReadsToolCalls"/> says so.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get => field ?? []; init; }
}
