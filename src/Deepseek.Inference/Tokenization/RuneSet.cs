using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>A set of Unicode code points: ranges, general categories and white space, possibly negated as a whole.</summary>
/// <remarks>
/// Works on code points, never on UTF-16 units: letters, digits and emoji beyond U+FFFF keep their own category, as in the
/// reference's regular expressions (Oniguruma over UTF-8).
/// </remarks>
internal sealed class RuneSet
{
    private readonly (int First, int Last)[] _ranges;
    private readonly uint _categories; // bit c: UnicodeCategory c
    private readonly bool _space;
    private readonly bool _notSpace;
    private readonly bool _negated;
    private readonly ulong _asciiLow; // the answer for U+0000 to U+003F
    private readonly ulong _asciiHigh; // the answer for U+0040 to U+007F

    internal RuneSet((int First, int Last)[] ranges, uint categories, bool space, bool notSpace, bool negated)
    {
        _ranges = ranges;
        _categories = categories;
        _space = space;
        _notSpace = notSpace;
        _negated = negated;
        for (var c = 0; c < 64; c++)
        {
            if (Decide(c))
                _asciiLow |= 1UL << c;
            if (Decide(c + 64))
                _asciiHigh |= 1UL << c;
        }
    }

    /// <summary>Whether the set holds a code point.</summary>
    /// <param name="rune">A Unicode scalar value.</param>
    public bool Contains(int rune) => rune switch
    {
        < 64 => (_asciiLow >> rune & 1) != 0,
        < 128 => (_asciiHigh >> (rune - 64) & 1) != 0,
        _ => Decide(rune),
    };

    private bool Decide(int rune)
    {
        var listed = (_categories != 0 && (_categories >> (int)CharUnicodeInfo.GetUnicodeCategory(rune) & 1) != 0)
            || (_space && IsSpace(rune))
            || (_notSpace && !IsSpace(rune))
            || InRanges(rune);
        return listed != _negated;
    }

    private bool InRanges(int rune)
    {
        var (low, high) = (0, _ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (rune < _ranges[middle].First)
                high = middle - 1;
            else if (rune > _ranges[middle].Last)
                low = middle + 1;
            else
                return true;
        }

        return false;
    }

    /// <summary>The White_Space property, which is what <c>\s</c> means in Oniguruma's Unicode mode.</summary>
    internal static bool IsSpace(int rune) => Rune.IsWhiteSpace(new Rune(rune));
}
