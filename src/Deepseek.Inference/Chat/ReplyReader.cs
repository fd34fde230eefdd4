using System.Text;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>Reads one reply's tokens as text: whole characters, cut at stop strings, reasoning parted from the answer, calls of tools from its text.</summary>
/// <remarks>It is also the stop rule that ends the generation when a stop string is complete.</remarks>
internal sealed class ReplyReader : StopRule, IStopScan
{
    private readonly TextPrompt _prompt;
    private readonly long _seed;
    private readonly DeepseekTokenizer? _tokenizer;
    private readonly IncrementalDecoder? _decoder;
    private readonly StopStringMatcher _stops;
    private readonly ReasoningParser? _reasoningParser;
    private readonly ReasoningTokens _reasoningTokens;
    private readonly ToolCallParser? _callParser;
    private readonly List<ToolCall> _calls = [];
    private readonly List<int> _ids = [];
    private readonly StringBuilder _reasoning = new();
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _pending = new(); // decoded, not yet handed out
    private int _accepted;
    private TimeSpan _firstToken;
    private TimeSpan _decoding;
    private bool _stopped;
    private string _tokenText = ""; // of the token that was accepted last
    private int _reasoned;

    public ReplyReader(TextPrompt prompt, long seed, DeepseekTokenizer? tokenizer, IReadOnlyList<string> stopStrings)
    {
        _prompt = prompt;
        _seed = seed;
        _tokenizer = tokenizer;
        _decoder = tokenizer?.CreateDecoder();
        _stops = new StopStringMatcher(stopStrings);
        _reasoningTokens = new ReasoningTokens(prompt);
        _reasoningParser = prompt.SplitReasoning ? new ReasoningParser(prompt.StartsInReasoning) : null;
        _callParser = prompt.ReadsToolCalls ? new ToolCallParser(prompt.ToolCallForm) : null;
    }

    /// <summary>Tokens of the prompt that a cache held.</summary>
    public int Cached { get; set; }

    public override IStopScan Begin() => this;

    /// <summary>Called by the generator with every token that no other rule has ended the text before.</summary>
    public StopDecision Accept(int token)
    {
        _accepted++;
        _tokenText = "";
        // A head may be wider than the vocabulary (V3: 129,280 rows for 128,815 tokens): a row without a token has no text.
        if (_decoder is null || _tokenizer!.TokenText(token) is null)
            return StopDecision.Continue;
        _tokenText = _decoder.Append(token);
        var result = _stops.Append(_tokenText);
        _pending.Append(result.Emit);
        _stopped = result.Stopped;
        return _stopped ? StopDecision.StopAfter : StopDecision.Continue;
    }

    /// <summary>Takes a token's result and hands out what has become certain.</summary>
    public TextUpdate Read(TokenResult token)
    {
        if (_ids.Count == 0)
            _firstToken = token.Elapsed;
        else
            _decoding += token.Elapsed;
        _ids.Add(token.Id);
        if (!token.IsEnd && _accepted < _ids.Count)
            Accept(token.Id); // another rule ended the text after this token, which belongs to it

        var isReasoning = _decoder is not null && _reasoningTokens.Take(token.IsEnd ? "" : _tokenText);
        if (isReasoning)
            _reasoned++;
        if (token.FinishReason is not { } reason)
            return Take(ended: false) with { Token = token, IsReasoning = isReasoning };
        if (!_stopped && _decoder is not null)
            _pending.Append(_stops.Append(_decoder.Flush()).Emit).Append(_stops.Flush());
        return Take(ended: true) with { Token = token, IsReasoning = isReasoning, Completion = Complete(reason) };
    }

    private TextUpdate Take(bool ended)
    {
        var delta = _pending.ToString();
        _pending.Clear();
        var (reasoning, text) = ("", delta);
        if (_reasoningParser is not null)
        {
            IEnumerable<ReasoningPart> parts = _reasoningParser.Append(delta);
            if (ended)
                parts = parts.Concat(_reasoningParser.Flush());
            var byKind = parts.ToLookup(part => part.Kind, part => part.Text);
            (reasoning, text) = (string.Concat(byKind[ReasoningPartKind.Reasoning]), string.Concat(byKind[ReasoningPartKind.Answer]));
        }

        IReadOnlyList<ToolCall> calls = [];
        if (_callParser is not null)
            (text, calls) = TakeCalls(_callParser, text, ended);

        _reasoning.Append(reasoning);
        _text.Append(text);
        _calls.AddRange(calls);
        return new TextUpdate(reasoning, text) { ToolCalls = calls };
    }

    private static (string Text, IReadOnlyList<ToolCall> Calls) TakeCalls(ToolCallParser parser, string answer, bool ended)
    {
        IEnumerable<ToolCallPart> parts = parser.Append(answer);
        if (ended)
            parts = parts.Concat(parser.Flush());
        var all = parts.ToList();
        return (string.Concat(all.Select(part => part.Text)), [.. all.Select(part => part.Call).OfType<ToolCall>()]);
    }

    private TextCompletion Complete(FinishReason reason) => new(
        _decoder is null ? null : _text.ToString(),
        _reasoning.Length > 0 ? _reasoning.ToString() : null,
        _ids,
        reason,
        new TokenUsage(_prompt.Ids.Count, Cached, _ids.Count) { Reasoning = _reasoned },
        new TextTimings(_firstToken, _decoding, _ids.Count - 1),
        _seed)
    {
        ToolCalls = _calls,
    };
}
