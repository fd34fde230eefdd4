using System.Globalization;

namespace Deepseek.Inference.Tokenization;

/// <summary>Collects the members of a <see cref="RuneSet"/> as a pattern names them.</summary>
/// <remarks>Faults are <see cref="FormatException"/>; whoever knows the file wraps them.</remarks>
internal sealed class RuneSetBuilder
{
    private const uint AllCategories = (1u << 30) - 1; // UnicodeCategory has the values 0 to 29
    private const int LongS = 0x17F; // folds to s
    private const int KelvinSign = 0x212A; // folds to k

    private static readonly Dictionary<string, uint> s_categories = Categories();

    private readonly List<(int First, int Last)> _ranges = [];
    private uint _categories;
    private bool _space;
    private bool _notSpace;

    /// <summary>Adds the code points from first to last, both included.</summary>
    public RuneSetBuilder AddRange(int first, int last)
    {
        if (first > last)
            throw new FormatException($"the range U+{first:X4} to U+{last:X4} runs backwards");
        _ranges.Add((first, last));
        return this;
    }

    /// <summary>Adds white space (<c>\s</c>), or all else (<c>\S</c>).</summary>
    public RuneSetBuilder AddSpace(bool negated)
    {
        _space |= !negated;
        _notSpace |= negated;
        return this;
    }

    /// <summary>Adds decimal digits (<c>\d</c>), or all else (<c>\D</c>).</summary>
    public RuneSetBuilder AddDigits(bool negated) => AddCategory("Nd", negated);

    /// <summary>Adds a general category or a group of them, or all others.</summary>
    /// <param name="name">One or two letters as in the Unicode Standard, or the long name of a group.</param>
    /// <param name="negated">Adds the categories that are not named.</param>
    public RuneSetBuilder AddCategory(string name, bool negated)
    {
        if (!s_categories.TryGetValue(name, out var mask))
            throw new FormatException($"the property \\p{{{name}}} is not supported; only general categories are");
        _categories |= negated ? AllCategories & ~mask : mask;
        return this;
    }

    /// <summary>Adds what differs from the listed characters by case alone.</summary>
    /// <remarks>Simple case folding reaches beyond ASCII twice: ſ is an s, and the Kelvin sign is a k (CaseFolding.txt, status C).</remarks>
    public RuneSetBuilder AddOtherCases()
    {
        if (_categories != 0 || _ranges.Exists(range => range.Last >= 0x80))
            throw new FormatException("(?i:…) is supported for ASCII characters alone");
        var listed = new RuneSet([.. Merged()], 0, false, false, negated: false);
        for (var c = 'a'; c <= 'z'; c++)
        {
            if (!listed.Contains(c) && !listed.Contains(char.ToUpperInvariant(c)))
                continue;
            _ranges.Add((c, c));
            _ranges.Add((char.ToUpperInvariant(c), char.ToUpperInvariant(c)));
            if (c is 's' or 'k')
                _ranges.Add(c == 's' ? (LongS, LongS) : (KelvinSign, KelvinSign));
        }

        return this;
    }

    /// <summary>The finished set.</summary>
    /// <param name="negated">The set holds what was not added.</param>
    public RuneSet Build(bool negated = false) => new([.. Merged()], _categories, _space, _notSpace, negated);

    private List<(int First, int Last)> Merged()
    {
        List<(int First, int Last)> merged = [];
        foreach (var range in _ranges.OrderBy(range => range.First))
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            else
                merged.Add(range);
        }

        return merged;
    }

    private static Dictionary<string, uint> Categories()
    {
        // In the order of UnicodeCategory, 0 to 29.
        string[] codes =
        [
            "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc",
            "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
        ];
        var masks = new Dictionary<string, uint>();
        for (var category = UnicodeCategory.UppercaseLetter; category <= UnicodeCategory.OtherNotAssigned; category++)
        {
            var code = codes[(int)category];
            masks[code] = 1u << (int)category;
            masks[code[..1]] = masks.GetValueOrDefault(code[..1]) | masks[code];
        }

        foreach (var name in new[] { "Letter", "Mark", "Number", "Punctuation", "Symbol", "Separator" })
            masks[name] = masks[name == "Separator" ? "Z" : name[..1]];
        return masks;
    }
}
