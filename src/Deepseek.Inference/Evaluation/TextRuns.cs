using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Evaluation;

/// <summary>A text cut into runs that are scored one after the other, each begun with the begin token.</summary>
/// <param name="Runs">Token ids; the first of each run is the begin token and is not scored.</param>
public sealed record TextRuns(IReadOnlyList<int[]> Runs)
{
    /// <summary>Tokens of a run as they are usually chosen.</summary>
    public const int DefaultLength = 512;

    /// <summary>Tokens that are scored.</summary>
    public int ScoredTokens => Runs.Sum(run => run.Length - 1);

    /// <summary>Cuts a text.</summary>
    /// <param name="text">The text; special tokens written in it count as such.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="beginToken">What each run begins with; null for the tokenizer's begin token.</param>
    /// <param name="length">Scored tokens of a run, 1 or more; the last may have fewer.</param>
    /// <param name="maxTokens">Scored tokens of the whole at most; null for all.</param>
    /// <exception cref="ArgumentException">The text is empty, a number is below 1, or no begin token is known.</exception>
    public static TextRuns Cut(string text, DeepseekTokenizer tokenizer, int? beginToken = null, int length = DefaultLength, int? maxTokens = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens ?? 1, 1, nameof(maxTokens));
        var begin = beginToken ?? tokenizer.BeginTokenId
            ?? throw new ArgumentException("The tokenizer names no begin token, with which every run begins; give one.", nameof(beginToken));
        var ids = tokenizer.Encode(text);
        if (ids.Count == 0)
            throw new ArgumentException("The text has no tokens; there is nothing to score.", nameof(text));

        var scored = ids.Take(maxTokens ?? int.MaxValue);
        return new TextRuns([.. scored.Chunk(length).Select(chunk => (int[])[begin, .. chunk])]);
    }
}
