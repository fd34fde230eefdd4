using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Tokenization;

/// <summary>A regular expression that cuts text into pieces, over code points; see <see cref="PatternParser"/> for what it understands.</summary>
/// <remarks>Immutable, and safe to use from several threads at a time.</remarks>
internal sealed class RunePattern
{
    private readonly RuneSetUnion _first;

    /// <summary>Compiles a pattern.</summary>
    /// <exception cref="FormatException">The pattern is malformed, matches the empty string, or uses what is not supported.</exception>
    public RunePattern(string pattern)
    {
        var node = PatternParser.Parse(pattern);
        Fast = PatternProgram.Compile(node, fast: true);
        Careful = PatternProgram.Compile(node, fast: false);
        _first = new RuneSetUnion(node);
    }

    /// <summary>The form that takes runs of characters at once.</summary>
    internal PatternProgram Fast { get; }

    /// <summary>The form whose work is bounded.</summary>
    internal PatternProgram Careful { get; }

    /// <summary>Cuts one piece of a text: every match is a piece of its own, and so is what lies between two matches.</summary>
    /// <param name="text">The whole text, well-formed UTF-16.</param>
    /// <param name="piece">The piece to cut; the pattern sees nothing outside it.</param>
    /// <param name="pieces">Receives the parts in their order; none is empty.</param>
    /// <remarks>What the reference calls a Split with the behaviour Isolated (huggingface/tokenizers, normalizer.rs and onig.rs).</remarks>
    public void Split(ReadOnlySpan<char> text, TextPiece piece, List<TextPiece> pieces)
    {
        var span = text.Slice(piece.Start, piece.Length);
        var matcher = new PatternMatcher(this, span);
        var (done, position) = (0, 0);
        while (position < span.Length)
        {
            var rune = RuneAt(span, position, out var length);
            var end = _first.Contains(rune) ? matcher.MatchAt(position) : -1;
            if (end < 0)
            {
                position += length;
                continue;
            }

            if (done < position)
                pieces.Add(new TextPiece(piece.Start + done, position - done));
            pieces.Add(new TextPiece(piece.Start + position, end - position));
            done = position = end;
        }

        if (done < span.Length)
            pieces.Add(new TextPiece(piece.Start + done, span.Length - done));
    }

    /// <summary>The code point at a position of well-formed UTF-16, and its length in units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int RuneAt(ReadOnlySpan<char> text, int position, out int length)
    {
        var c = text[position];
        if (!char.IsHighSurrogate(c))
        {
            length = 1;
            return c;
        }

        length = 2;
        return char.ConvertToUtf32(c, text[position + 1]);
    }
}

/// <summary>A part of a text.</summary>
/// <param name="Start">Its first UTF-16 unit.</param>
/// <param name="Length">Its length in UTF-16 units; positive.</param>
internal readonly record struct TextPiece(int Start, int Length);
