using Deepseek.Inference.Generation;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>A whole reply.</summary>
/// <param name="Text">The answer, without the end token; null where the model's folder has no tokenizer.</param>
/// <param name="Reasoning">What the model thought before; null where it did not, or where reasoning is not parted from the text.</param>
/// <param name="Ids">The generated tokens, the end token among them.</param>
/// <param name="FinishReason">Why the reply ended.</param>
/// <param name="Usage">Tokens counted.</param>
/// <param name="Timings">Time taken.</param>
/// <param name="Seed">What decided the draws: given again, it brings the same reply, one that was left to chance as well.</param>
public sealed record TextCompletion(
    string? Text, string? Reasoning, IReadOnlyList<int> Ids, FinishReason FinishReason, TokenUsage Usage, TextTimings Timings, long Seed)
{
    /// <summary>The calls of tools that the reply makes; none by default. They are read where <see cref="TextPrompt.ReadsToolCalls"/> says so.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];
}

/// <summary>Tokens of a reply.</summary>
/// <param name="Prompt">Of the prompt, those in the cache among them.</param>
/// <param name="Cached">Of the prompt, those that the cache held already.</param>
/// <param name="Completion">Generated.</param>
public sealed record TokenUsage(int Prompt, int Cached, int Completion)
{
    /// <summary>Of those generated, the ones that the model thought with; 0 where reasoning is not parted from the text.</summary>
    public int Reasoning { get; init; }

    /// <summary>Prompt and completion together.</summary>
    public int Total => Prompt + Completion;
}

/// <summary>Time taken by a reply.</summary>
/// <param name="FirstToken">From the start to the first token: the prompt's pass.</param>
/// <param name="Decoding">From the first token to the last.</param>
/// <param name="DecodedTokens">Tokens after the first.</param>
public sealed record TextTimings(TimeSpan FirstToken, TimeSpan Decoding, int DecodedTokens)
{
    /// <summary>Tokens after the first, each second; 0 where there were none.</summary>
    public double TokensPerSecond => Decoding > TimeSpan.Zero ? DecodedTokens / Decoding.TotalSeconds : 0;
}
