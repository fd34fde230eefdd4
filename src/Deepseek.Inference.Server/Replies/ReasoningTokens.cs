using Deepseek.Inference.Chat;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Replies;

/// <summary>Tells a reply's tokens of reasoning, its tags among them, from those of the answer.</summary>
/// <remarks>The updates' texts cannot: they come late where a token may still belong to a tag, a character or a stop string.</remarks>
internal sealed class ReasoningTokens
{
    private const string Open = "<think>";
    private const string Close = "</think>";

    private readonly DeepseekTokenizer _tokenizer;
    private readonly IncrementalDecoder _decoder;
    private string _text = ""; // what decides: the reply's beginning, then the reasoning's end
    private State _state;

    private enum State
    {
        Opening,
        Reasoning,
        Answer,
    }

    public ReasoningTokens(DeepseekTokenizer tokenizer, TextPrompt prompt)
    {
        (_tokenizer, _decoder) = (tokenizer, tokenizer.CreateDecoder());
        _state = !prompt.SplitReasoning ? State.Answer : prompt.StartsInReasoning ? State.Reasoning : State.Opening;
    }

    /// <summary>Takes the next token; returns whether it belongs to the reasoning.</summary>
    public bool Take(int id)
    {
        if (_state != State.Answer && _tokenizer.TokenText(id) is not null)
            _text += _decoder.Append(id);
        if (_state == State.Opening)
            Begin();
        if (_state != State.Reasoning)
            return false;

        if (_text.Contains(Close, StringComparison.Ordinal))
            _state = State.Answer;
        else if (_text.Length >= Close.Length)
            _text = _text[^(Close.Length - 1)..];
        return true;
    }

    private void Begin()
    {
        var text = _text.AsSpan().TrimStart();
        if (text.StartsWith(Open, StringComparison.Ordinal))
            _state = State.Reasoning;
        else if (!Open.AsSpan().StartsWith(text, StringComparison.Ordinal))
            _state = State.Answer;
    }
}
