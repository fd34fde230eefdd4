using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>Tells a reply's tokens of reasoning, its tags among them, from those of the answer.</summary>
/// <remarks>What <see cref="ReasoningParser"/> hands out cannot: it comes late where a token may still belong to a tag, a newline that vanishes or a stop string.</remarks>
internal sealed class ReasoningTokens
{
    private string _text = ""; // what decides: the reply's beginning, then the reasoning's end
    private State _state;

    private enum State
    {
        Opening,
        Reasoning,
        Answer,
    }

    public ReasoningTokens(TextPrompt prompt) =>
        _state = !prompt.SplitReasoning ? State.Answer : prompt.StartsInReasoning ? State.Reasoning : State.Opening;

    /// <summary>Takes the next token; returns whether it belongs to the reasoning.</summary>
    /// <param name="text">What it decodes to; empty where it has no text, or ends within a character.</param>
    public bool Take(string text)
    {
        if (_state != State.Answer)
            _text += text;
        if (_state == State.Opening)
            Begin();
        if (_state != State.Reasoning)
            return false;

        if (_text.Contains(ReasoningParser.Close, StringComparison.Ordinal))
            _state = State.Answer;
        else if (_text.Length >= ReasoningParser.Close.Length)
            _text = _text[^(ReasoningParser.Close.Length - 1)..];
        return true;
    }

    private void Begin()
    {
        var text = _text.AsSpan().TrimStart();
        if (text.StartsWith(ReasoningParser.Open, StringComparison.Ordinal))
            _state = State.Reasoning;
        else if (!ReasoningParser.Open.AsSpan().StartsWith(text, StringComparison.Ordinal))
            _state = State.Answer;
    }
}
