using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>Separates what a model thinks, between <c>&lt;think&gt;</c> and <c>&lt;/think&gt;</c>, from its answer, while the text still arrives.</summary>
/// <remarks>
/// <para>A reply is one reasoning at most and one answer, in this order:</para>
/// <list type="bullet">
/// <item><description>It begins in the reasoning if the parser was told so, or if its first text after whitespace is <c>&lt;think&gt;</c>; that tag and the whitespace before it vanish in either case.</description></item>
/// <item><description>The first <c>&lt;/think&gt;</c> ends the reasoning. Without one all is reasoning. Tags anywhere else are plain text.</description></item>
/// <item><description>The reasoning loses one newline at its beginning and one at its end; the answer loses all newlines at its beginning. Newlines are U+000A.</description></item>
/// </list>
/// <para>However a reply is cut into deltas, the parts of one kind join to the same text. One instance serves one reply; it is not safe for use by several threads.</para>
/// </remarks>
public sealed class ReasoningParser
{
    internal const string Open = "<think>";
    internal const string Close = "</think>";
    private const string AssistantMarker = "<｜Assistant｜>";

    private readonly bool _startsInReasoning;
    private readonly StringBuilder _held = new(); // received, but not yet certain
    private bool _sawText;
    private State _state;

    private enum State
    {
        Opening, // nothing but whitespace and perhaps a piece of the opening tag
        ReasoningStart, // one newline may still vanish
        Reasoning,
        AnswerStart, // newlines vanish
        Answer,
        Over,
    }

    /// <summary>Creates a parser for one reply.</summary>
    /// <param name="startsInReasoning">Whether the prompt already holds the opening tag; see <see cref="EndsInReasoning"/>.</param>
    public ReasoningParser(bool startsInReasoning) => _startsInReasoning = startsInReasoning;

    /// <summary>Whether a rendered prompt ends inside of a reasoning, so that the reply continues it.</summary>
    /// <param name="prompt">The rendered prompt.</param>
    /// <remarks>
    /// What counts is the text after the last <c>&lt;｜Assistant｜&gt;</c>: it holds an opening tag that no closing one follows. Earlier text may speak of the tags.
    /// A prompt without that marker must end with the opening tag, whitespace aside.
    /// </remarks>
    public static bool EndsInReasoning(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var marker = prompt.LastIndexOf(AssistantMarker, StringComparison.Ordinal);
        if (marker < 0)
            return prompt.AsSpan().TrimEnd().EndsWith(Open);
        var turn = prompt.AsSpan(marker);
        return turn.LastIndexOf(Open) > turn.LastIndexOf(Close);
    }

    /// <summary>Separates a whole reply.</summary>
    /// <param name="text">The reply.</param>
    /// <param name="startsInReasoning">Whether the prompt already holds the opening tag; see <see cref="EndsInReasoning"/>.</param>
    /// <returns>The reasoning, null where the reply has none, and the answer, empty where it has none.</returns>
    public static (string? Reasoning, string Answer) Split(string text, bool startsInReasoning)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.AsSpan().TrimStart();
        var opens = trimmed.StartsWith(Open);
        if (!opens && !startsInReasoning)
            return (null, text.TrimStart('\n'));

        var inner = opens ? trimmed[Open.Length..] : text.AsSpan();
        var close = inner.IndexOf(Close);
        var answer = close < 0 ? "" : inner[(close + Close.Length)..].TrimStart('\n').ToString();
        var reasoning = close < 0 ? inner : inner[..close];
        if (reasoning.StartsWith("\n"))
            reasoning = reasoning[1..];
        if (reasoning.EndsWith("\n"))
            reasoning = reasoning[..^1];
        return (reasoning.ToString(), answer);
    }

    /// <summary>Takes the next piece of the reply.</summary>
    /// <param name="delta">The piece, of any length.</param>
    /// <returns>What is certain by now, in order; of what may still turn out to be a tag or a newline that vanishes, nothing.</returns>
    /// <exception cref="InvalidOperationException"><see cref="Flush"/> has ended the reply.</exception>
    public IReadOnlyList<ReasoningPart> Append(string delta)
    {
        ArgumentNullException.ThrowIfNull(delta);
        if (_state == State.Over)
            throw new InvalidOperationException("The reply is over since Flush was called; a new reply needs a new ReasoningParser.");

        _held.Append(delta);
        _sawText |= !string.IsNullOrWhiteSpace(delta);
        return Advance(atEnd: false);
    }

    /// <summary>Ends the reply.</summary>
    /// <returns>What was held back and turned out to be text; a second call returns nothing.</returns>
    public IReadOnlyList<ReasoningPart> Flush()
    {
        if (_state == State.Over)
            return [];
        var parts = Advance(atEnd: true);
        _state = State.Over;
        return parts;
    }

    private List<ReasoningPart> Advance(bool atEnd)
    {
        // A long run of whitespace in small pieces is not looked at again and again.
        if (_state == State.Opening && !_sawText && !atEnd)
            return [];

        List<ReasoningPart> parts = [];
        var text = _held.ToString();
        _held.Clear();
        if (_state == State.Opening && !TryOpen(ref text, atEnd))
        {
            _held.Append(text);
            return parts;
        }

        if (_state is State.ReasoningStart or State.Reasoning)
            text = TakeReasoning(text, atEnd, parts);
        if (_state is State.AnswerStart or State.Answer)
            text = TakeAnswer(text, parts);
        _held.Append(text);
        return parts;
    }

    /// <summary>Decides how the reply begins; false while that is open.</summary>
    private bool TryOpen(ref string text, bool atEnd)
    {
        var trimmed = text.AsSpan().TrimStart();
        if (trimmed.StartsWith(Open))
        {
            text = trimmed[Open.Length..].ToString();
            _state = State.ReasoningStart;
            return true;
        }

        if (!atEnd && Open.StartsWith(trimmed, StringComparison.Ordinal))
            return false;
        _state = _startsInReasoning ? State.ReasoningStart : State.AnswerStart;
        return true;
    }

    /// <summary>Emits reasoning; returns what must wait, or what follows the closing tag.</summary>
    private string TakeReasoning(string text, bool atEnd, List<ReasoningPart> parts)
    {
        if (_state == State.ReasoningStart && text.Length > 0)
        {
            _state = State.Reasoning;
            if (text[0] == '\n')
                text = text[1..];
        }

        var close = text.IndexOf(Close, StringComparison.Ordinal);
        var end = close >= 0 ? close : atEnd ? text.Length : text.Length - Waiting(text);
        var ends = close >= 0 || atEnd;
        var last = ends && end > 0 && text[end - 1] == '\n' ? end - 1 : end;
        Add(parts, ReasoningPartKind.Reasoning, text[..last]);
        if (close < 0)
            return text[end..];
        _state = State.AnswerStart;
        return text[(close + Close.Length)..];
    }

    private string TakeAnswer(string text, List<ReasoningPart> parts)
    {
        if (_state == State.AnswerStart)
            text = text.TrimStart('\n');
        if (text.Length > 0)
            _state = State.Answer;
        Add(parts, ReasoningPartKind.Answer, text);
        return "";
    }

    /// <summary>How many characters at the end may belong to a newline and a closing tag that vanish together.</summary>
    private static int Waiting(string text)
    {
        var tag = Math.Min(Close.Length - 1, text.Length);
        while (!text.AsSpan(text.Length - tag).SequenceEqual(Close.AsSpan(0, tag)))
            tag--;
        var before = text.Length - tag;
        return before > 0 && text[before - 1] == '\n' ? tag + 1 : tag;
    }

    private static void Add(List<ReasoningPart> parts, ReasoningPartKind kind, string text)
    {
        if (text.Length > 0)
            parts.Add(new(kind, text));
    }
}
