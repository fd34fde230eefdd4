using System.Globalization;

namespace Deepseek.Inference.Tokenization;

/// <summary>Canonical decompositions, compositions and combining classes of Unicode, without the Hangul syllables.</summary>
/// <remarks>
/// .NET leaves this to ICU, and does nothing at all where <c>InvariantGlobalization</c> is set or ICU is missing; a prompt's tokens
/// must not depend on either. Read once from the embedded file <c>CanonicalMappings.txt</c>, which names its source.
/// </remarks>
internal sealed class CanonicalMappings
{
    private static readonly Lazy<CanonicalMappings> s_instance = new(() => new CanonicalMappings());

    private readonly Dictionary<int, (int First, int Second)> _decompositions = []; // Second is 0 for a singleton
    private readonly Dictionary<(int First, int Second), int> _compositions = [];
    private readonly Dictionary<int, int> _classes = [];
    private readonly HashSet<int> _unstable = [];

    private CanonicalMappings()
    {
        using var stream = typeof(CanonicalMappings).Assembly.GetManifestResourceStream("CanonicalMappings.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            var fields = line.Split(' ');
            if (fields[0] == "class")
                AddClasses(Hex(fields[1]), Hex(fields[2]), int.Parse(fields[3], CultureInfo.InvariantCulture));
            else if (fields[0] != "#")
                AddMapping(Hex(fields[0]), composes: fields[1] == "=", Hex(fields[2]), fields.Length > 3 ? Hex(fields[3]) : 0);
        }
    }

    /// <summary>The mappings, read at the first use.</summary>
    public static CanonicalMappings Instance => s_instance.Value;

    /// <summary>The canonical combining class; 0 for a starter.</summary>
    public int CombiningClass(int rune) => _classes.GetValueOrDefault(rune);

    /// <summary>One step of decomposition; the second part is 0 where there is none.</summary>
    public bool TryDecompose(int rune, out (int First, int Second) parts) => _decompositions.TryGetValue(rune, out parts);

    /// <summary>The primary composite of two characters.</summary>
    public bool TryCompose(int first, int second, out int composite) => _compositions.TryGetValue((first, second), out composite);

    /// <summary>Whether a text that holds the character may change under normalisation form C (UAX #15, quick check: not Yes, or a mark).</summary>
    public bool IsUnstable(int rune) => _unstable.Contains(rune);

    private void AddClasses(int first, int last, int combiningClass)
    {
        for (var rune = first; rune <= last; rune++)
        {
            _classes.Add(rune, combiningClass);
            _unstable.Add(rune);
        }
    }

    private void AddMapping(int rune, bool composes, int first, int second)
    {
        _decompositions.Add(rune, (first, second));
        if (composes)
            _compositions.Add((first, second), rune);
        _unstable.Add(composes ? second : rune);
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
