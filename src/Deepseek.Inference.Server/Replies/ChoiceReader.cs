using System.Text;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Server.Replies;

/// <summary>What has come of one reply.</summary>
/// <remarks>A token's probability goes out with the text that follows it: its own text may have to wait.</remarks>
internal sealed class ChoiceReader
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private int _lastCalls;

    /// <summary>The answer so far.</summary>
    public string Text => _text.ToString();

    /// <summary>The reasoning so far.</summary>
    public string Reasoning => _reasoning.ToString();

    /// <summary>The answer's tokens that have not gone out.</summary>
    public List<TokenResult> Tokens { get; } = [];

    /// <summary>The reasoning's tokens that have not gone out.</summary>
    public List<TokenResult> ThoughtTokens { get; } = [];

    /// <summary>Calls of tools that came with earlier updates.</summary>
    public int CallsBefore { get; private set; }

    /// <summary>The whole reply, once it has ended.</summary>
    public TextCompletion? Completion { get; private set; }

    /// <summary>Takes the next update.</summary>
    public void Take(TextUpdate update)
    {
        CallsBefore += _lastCalls;
        _lastCalls = update.ToolCalls.Count;
        _text.Append(update.Text);
        _reasoning.Append(update.Reasoning);
        if (!update.Token.IsEnd)
            (update.IsReasoning ? ThoughtTokens : Tokens).Add(update.Token);
        Completion = update.Completion;
    }

    /// <summary>Forgets the tokens that have gone out.</summary>
    public void Sent()
    {
        Tokens.Clear();
        ThoughtTokens.Clear();
    }
}
