using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>Finds calls of tools in a reply, while the text still arrives.</summary>
/// <remarks>
/// <para>Calls stand in a block between marks of the model's own; what lies around the block is text, and white space between its calls vanishes. The form depends on the model:</para>
/// <list type="bullet">
/// <item><description>V3 and R1: <c>&lt;｜tool▁call▁begin｜&gt;function&lt;｜tool▁sep｜&gt;NAME</c>, and the arguments in a fence on the next lines.</description></item>
/// <item><description>V3.1: <c>&lt;｜tool▁call▁begin｜&gt;NAME&lt;｜tool▁sep｜&gt;{…}</c>.</description></item>
/// <item><description>V3.2 and V4: <c>&lt;｜DSML｜invoke name="NAME"&gt;</c> with a tag for each argument. Newlines before such a block vanish, too.</description></item>
/// </list>
/// <para>
/// What only looks like a call stays text, its marks included: one that the reply's end cuts off, or whose arguments are no JSON object. However a reply is cut into deltas, the parts
/// are the same but for where texts are cut. One instance serves one reply; it is not safe for use by several threads.
/// </para>
/// </remarks>
public sealed class ToolCallParser
{
    private readonly ToolCallReader _reader;
    private readonly StringBuilder _held = new(); // received, but not yet certain
    private readonly StringBuilder _opening = new(); // of a block without a call so far: text, if none comes
    private bool _isInside;
    private bool _foundCall; // in this block
    private bool _isOver;

    /// <summary>Creates a parser for one reply.</summary>
    /// <param name="chatTemplate">The model's chat template, which tells its form; null for V3's.</param>
    public ToolCallParser(string? chatTemplate = null)
        : this(ToolCallForms.Of(chatTemplate))
    {
    }

    internal ToolCallParser(ToolCallForm form) => _reader = ToolCallReader.Of(form);

    /// <summary>Finds the calls of a whole reply.</summary>
    /// <param name="text">The reply.</param>
    /// <param name="chatTemplate">The model's chat template, which tells its form; null for V3's.</param>
    public static (string Text, IReadOnlyList<ToolCall> Calls) Split(string text, string? chatTemplate = null)
    {
        var parser = new ToolCallParser(chatTemplate);
        var parts = parser.Append(text).Concat(parser.Flush()).ToList();
        return (string.Concat(parts.Select(part => part.Text)), [.. parts.Select(part => part.Call).OfType<ToolCall>()]);
    }

    /// <summary>Takes the next piece of the reply.</summary>
    /// <param name="delta">The piece, of any length.</param>
    /// <returns>What is certain by now, in order; of what may still turn out to be a call, nothing.</returns>
    /// <exception cref="InvalidOperationException"><see cref="Flush"/> has ended the reply.</exception>
    public IReadOnlyList<ToolCallPart> Append(string delta)
    {
        ArgumentNullException.ThrowIfNull(delta);
        if (_isOver)
            throw new InvalidOperationException("The reply is over since Flush was called; a new reply needs a new ToolCallParser.");
        _held.Append(delta);
        return Advance(atEnd: false);
    }

    /// <summary>Ends the reply.</summary>
    /// <returns>What was held back and turned out to be text; a second call returns nothing.</returns>
    public IReadOnlyList<ToolCallPart> Flush()
    {
        if (_isOver)
            return [];
        _isOver = true;
        return Advance(atEnd: true);
    }

    private List<ToolCallPart> Advance(bool atEnd)
    {
        List<ToolCallPart> parts = [];
        var text = _held.ToString();
        _held.Clear();
        while (_isInside ? TryInside(ref text, atEnd, parts) : TryOutside(ref text, atEnd, parts))
        {
        }

        if (atEnd)
            AddText(parts, Opening() + (_isInside && _foundCall ? text.TrimStart() : text));
        else
            _held.Append(text);
        return parts;
    }

    /// <summary>Hands out text up to the next block; false when more must come first.</summary>
    private bool TryOutside(ref string text, bool atEnd, List<ToolCallPart> parts)
    {
        var begin = text.IndexOf(_reader.Begin, StringComparison.Ordinal);
        var end = begin >= 0 ? begin : atEnd ? text.Length : text.Length - Waiting(text, _reader.Begin);
        if (_reader.SwallowsNewlines && (begin >= 0 || !atEnd))
            end = text.AsSpan(0, end).TrimEnd('\n').Length;
        AddText(parts, text[..end]);
        if (begin < 0)
        {
            text = text[end..];
            return false;
        }

        _opening.Append(text.AsSpan(end, begin + _reader.Begin.Length - end));
        text = text[(begin + _reader.Begin.Length)..];
        (_isInside, _foundCall) = (true, false);
        return true;
    }

    /// <summary>Takes one call, or the end of the block; false when more must come first.</summary>
    private bool TryInside(ref string text, bool atEnd, List<ToolCallPart> parts)
    {
        var rest = text.TrimStart();
        var space = text[..^rest.Length];
        if (rest.StartsWith(_reader.Open, StringComparison.Ordinal))
        {
            var close = rest.IndexOf(_reader.Close, StringComparison.Ordinal);
            if (close < 0)
                return false;
            var end = close + _reader.Close.Length;
            if (_reader.Read(rest[_reader.Open.Length..close]) is { } call)
            {
                parts.Add(new ToolCallPart("", call));
                _opening.Clear();
                _foundCall = true;
            }
            else
            {
                AddText(parts, Opening() + space + rest[..end]);
            }

            text = rest[end..];
            return true;
        }

        if (rest.StartsWith(_reader.End, StringComparison.Ordinal))
        {
            if (!_foundCall)
                AddText(parts, Opening() + space + _reader.End);
            text = rest[_reader.End.Length..];
        }
        else if (!atEnd && (_reader.Open.StartsWith(rest, StringComparison.Ordinal) || _reader.End.StartsWith(rest, StringComparison.Ordinal)))
        {
            return false;
        }
        else
        {
            // No call: the block is over without its mark, as some templates leave it.
            AddText(parts, Opening() + (_foundCall ? "" : space));
            text = rest;
        }

        _isInside = false;
        return true;
    }

    private string Opening()
    {
        var opening = _opening.ToString();
        _opening.Clear();
        return opening;
    }

    /// <summary>How many characters at the end may be the beginning of a mark.</summary>
    private static int Waiting(string text, string mark)
    {
        var length = Math.Min(mark.Length - 1, text.Length);
        while (!text.AsSpan(text.Length - length).SequenceEqual(mark.AsSpan(0, length)))
            length--;
        return length;
    }

    private static void AddText(List<ToolCallPart> parts, string text)
    {
        if (text.Length > 0)
            parts.Add(new ToolCallPart(text, null));
    }
}
