using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>Normalisation form C, which Qwen2's tokenizers apply before all else.</summary>
/// <remarks>
/// The Unicode Standard, sections 3.11 and 3.12 (Hangul); UAX #15. Work and memory grow linearly with the text, but for the sorting of
/// one run of combining marks.
/// </remarks>
internal static class CanonicalComposition
{
    private const int FirstUnstable = 0x300; // everything below is composed already: the combining marks begin here

    // Hangul: a syllable is S + (L × 21 + V) × 28 + T. Section 3.12, table 3-14.
    private const int SyllableBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7; // one below the first trailing consonant: T = 0 is none
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    /// <summary>Composes a text; returns the same string where nothing changes.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    public static string Compose(string text)
    {
        if (!MayChange(text))
            return text;
        var runes = Decompose(text);
        Order(runes);
        Combine(runes);

        var composed = new StringBuilder(text.Length);
        foreach (var (rune, _) in runes)
            composed.Append(new Rune(rune));
        return composed.ToString();
    }

    private static bool MayChange(string text)
    {
        var start = text.AsSpan().IndexOfAnyExceptInRange('\0', (char)(FirstUnstable - 1));
        if (start < 0)
            return false;
        foreach (var rune in text.AsSpan(start).EnumerateRunes())
        {
            if (rune.Value >= FirstUnstable
                && (CanonicalMappings.Instance.IsUnstable(rune.Value) || IsVowel(rune.Value) || IsTrail(rune.Value)))
            {
                return true;
            }
        }

        return false;
    }

    private static List<(int Rune, int Class)> Decompose(string text)
    {
        var mappings = CanonicalMappings.Instance;
        List<(int Rune, int Class)> runes = new(text.Length);
        Stack<int> parts = [];
        foreach (var character in text.EnumerateRunes())
        {
            parts.Push(character.Value);
            while (parts.TryPop(out var rune))
            {
                var syllable = rune - SyllableBase;
                if (mappings.TryDecompose(rune, out var pair))
                {
                    if (pair.Second != 0)
                        parts.Push(pair.Second);
                    parts.Push(pair.First);
                }
                else if (syllable is >= 0 and < SyllableCount)
                {
                    runes.Add((LeadBase + syllable / (VowelCount * TrailCount), 0));
                    runes.Add((VowelBase + syllable / TrailCount % VowelCount, 0));
                    if (syllable % TrailCount != 0)
                        runes.Add((TrailBase + syllable % TrailCount, 0));
                }
                else
                {
                    runes.Add((rune, mappings.CombiningClass(rune)));
                }
            }
        }

        return runes;
    }

    /// <summary>Sorts every run of combining marks by class; marks of one class keep their order (D109).</summary>
    private static void Order(List<(int Rune, int Class)> runes)
    {
        for (var start = 0; start < runes.Count; start++)
        {
            if (runes[start].Class == 0)
                continue;
            var end = start;
            while (end < runes.Count && runes[end].Class != 0)
                end++;
            if (end - start > 1)
            {
                var sorted = runes[start..end].OrderBy(mark => mark.Class).ToList(); // stable
                for (var i = 0; i < sorted.Count; i++)
                    runes[start + i] = sorted[i];
            }

            start = end;
        }
    }

    /// <summary>Joins every character with the last starter before it, unless another of its class or higher stands between (D115, D117).</summary>
    private static void Combine(List<(int Rune, int Class)> runes)
    {
        var (kept, starter, lastClass) = (0, -1, 0);
        foreach (var (rune, combiningClass) in runes.ToArray())
        {
            var adjacent = starter == kept - 1;
            if (starter >= 0 && (adjacent || (lastClass != 0 && lastClass < combiningClass))
                && TryJoin(runes[starter].Rune, rune, out var joined))
            {
                runes[starter] = (joined, 0);
                continue;
            }

            if (combiningClass == 0)
                starter = kept;
            lastClass = combiningClass;
            runes[kept++] = (rune, combiningClass);
        }

        runes.RemoveRange(kept, runes.Count - kept);
    }

    private static bool TryJoin(int first, int second, out int joined)
    {
        if (first - LeadBase is >= 0 and < LeadCount && IsVowel(second))
        {
            joined = SyllableBase + ((first - LeadBase) * VowelCount + (second - VowelBase)) * TrailCount;
            return true;
        }

        var syllable = first - SyllableBase;
        if (syllable is >= 0 and < SyllableCount && syllable % TrailCount == 0 && IsTrail(second))
        {
            joined = first + (second - TrailBase);
            return true;
        }

        return CanonicalMappings.Instance.TryCompose(first, second, out joined);
    }

    private static bool IsVowel(int rune) => rune - VowelBase is >= 0 and < VowelCount;

    private static bool IsTrail(int rune) => rune - TrailBase is > 0 and < TrailCount;
}
