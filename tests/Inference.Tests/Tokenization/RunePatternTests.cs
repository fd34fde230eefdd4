using System.Text.RegularExpressions;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class RunePatternTests
{
    // Characters on which the published patterns differ: letters, digits, marks, punctuation, all kinds of white space.
    private const string Alphabet = "aBs'tLl 1²٣\u0301.,+<_\t\r\n\u00A0\u3000\u0085日のßſ\u200D";

    private static readonly string[] s_astral = ["𝐀", "𝟏", "😀", "𐐀"];

    public static TheoryData<string> Patterns =>
    [
        .. PublishedPatterns.DeepseekV3,
        .. PublishedPatterns.DeepseekV2.Where(pattern => !pattern.Contains("\U00010400", StringComparison.Ordinal)),
        PublishedPatterns.Llama3.Replace("(?i:", "(?:", StringComparison.Ordinal), // folding differs from .NET's
        @"(?:a|B|as)+t?|\s{2,3}|[^a-z\s]{2}",
        @"a*?t|\S+?1|(?:1|\.)??,",
        @"(?:\s+$|\s\S)+|a$",
        @"(a|as)(sB|B)?[\p{Lu}\P{L}]",
    ];

    private static readonly string[] s_possessive = [@"\s++a|\S", @"a?+aB|a", @"[as]*+t|s"];

    public static TheoryData<string, string> Refused => new()
    {
        { "^a", "'^' in this place at position 0" },
        { @"\bx", @"\b at position 2" },
        { @"\w+", @"\w at position 2" },
        { "(?<=a)b", "this kind of group at position 1" },
        { "(?>a)", "this kind of group" },
        { "(?=ab)c", "a lookahead at more than one character" },
        { @"\p{Han}+", @"the property \p{Han} is not supported" },
        { "[a&&b]", "an intersection of classes" },
        { "[a[bc]]", "a class within a class" },
        { "[]", "an empty class" },
        { "[z-a]", "runs backwards" },
        { "[a", "ends too early" },
        { "(a", "a ')' is missing" },
        { "a)", "a ) without its (" },
        { "a**", "a repeat of a repeat" },
        { "(?:a*)*", "a repeat of something that may be empty" },
        { "(?:ab)++", "a possessive repeat of a group" },
        { "a{2000}", "numbers up to 1000" },
        { "a{3,2}", "numbers up to 1000" },
        { "(?:a{1000}){1000}", "needs more than 1024 instructions" },
        { "a*", "can match the empty string" },
        { "", "can match the empty string" },
        { "(?i:é)", "ASCII characters alone" },
        { "(?i:ss)", "which a single character can match" },
        { @"\x{D800}", "no code point stands" },
        { @"\p{L", "a '}' is missing" },
        { new string('(', 100), "more than 64 groups within one another" },
        { new string('a', 40000), "it has 40000 characters" },
    };

    [Theory, MemberData(nameof(Patterns))]
    public void Split_TextWithinTheBasicPlane_EqualsDotNetRegex(string pattern)
    {
        // Within the basic plane UTF-16 units are code points, and .NET's categories and \s are the same.
        var oracle = new Regex(pattern, RegexOptions.Multiline | RegexOptions.CultureInvariant);
        var subject = new RunePattern(pattern);
        foreach (var text in RandomTexts(500, astral: false))
            Assert.Equal(SplitByRegex(oracle, text), Split(subject, text));
    }

    [Theory, MemberData(nameof(Patterns))]
    public void MatchAt_FastAndCarefulProgram_Agree(string pattern) => AssertProgramsAgree(pattern);

    [Fact]
    public void MatchAt_PossessivePatterns_ProgramsAgree() => Assert.All(s_possessive, AssertProgramsAgree);

    [Theory]
    [InlineData(@"\s++ |\S", "  a b", "  |a| |b")] // nothing is given back, so that the first branch never matches
    [InlineData(@"a?+aB|a", "aBaaB", "a|B|aaB")]
    [InlineData("(?i:k)x", "kxKx\u212Ax", "kx|Kx|\u212Ax")] // the Kelvin sign folds to k
    [InlineData("(?i:'[st])", "'S'ſ'T't's.", "'S|'ſ|'T|'t|'s|.")]
    [InlineData("(?=a)[ab]+", "bab", "b|ab")]
    [InlineData(@"[^\S\n]+", " \t\n x", " \t|\n| |x")]
    [InlineData(@"\x41\u0042\x{1F600}", "xAB😀y", "x|AB😀|y")]
    [InlineData(@"\D+", "ab1²c", "ab|1|²c")]
    [InlineData(@"[\p{^L}\-x-]+", "ax-1b", "a|x-1|b")]
    [InlineData(".", "a\n😀", "a|\n|😀")]
    [InlineData(@"\S+$", "ab\ncd", "ab|\n|cd")]
    public void Split_HandWorkedCase_GivesPieces(string pattern, string text, string expected) =>
        Assert.Equal(expected.Split('|'), Split(new RunePattern(pattern), text));

    [Theory, MemberData(nameof(Refused))]
    public void Constructor_UnsupportedPattern_NamesTheConstruct(string pattern, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => new RunePattern(pattern)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(@"\s+$", ' ')]
    [InlineData("(?:a|aa)+b", 'a')]
    [InlineData("(?:a+)+b", 'a')]
    [InlineData("a+a+a+b", 'a')]
    [InlineData("(?:a|a)+?b", 'a')]
    public void Split_PatternThatBacktracksBadly_Finishes(string pattern, char repeated)
    {
        // By plain backtracking these take 10¹⁰ steps at the least, most of them more than there are atoms.
        var text = new string(repeated, 200_000) + "日";

        var pieces = Split(new RunePattern(pattern), text);

        Assert.Equal([text], pieces);
    }

    private static void AssertProgramsAgree(string pattern)
    {
        var subject = new RunePattern(pattern);
        foreach (var text in RandomTexts(200, astral: true))
        {
            var fast = new PatternMatcher(subject, text);
            var careful = new PatternMatcher(subject, text, careful: true);
            for (var position = 0; position < text.Length;)
            {
                var end = fast.MatchAt(position);

                Assert.Equal(end, careful.MatchAt(position));
                position = end > 0 ? end : position + (char.IsHighSurrogate(text[position]) ? 2 : 1);
            }
        }
    }

    private static List<string> Split(RunePattern pattern, string text)
    {
        List<TextPiece> pieces = [];
        if (text.Length > 0)
            pattern.Split(text, new TextPiece(0, text.Length), pieces);
        return [.. pieces.Select(piece => text.Substring(piece.Start, piece.Length))];
    }

    private static List<string> SplitByRegex(Regex regex, string text)
    {
        List<string> pieces = [];
        var done = 0;
        foreach (Match match in regex.Matches(text))
        {
            if (match.Index > done)
                pieces.Add(text[done..match.Index]);
            pieces.Add(match.Value);
            done = match.Index + match.Length;
        }

        if (done < text.Length)
            pieces.Add(text[done..]);
        return pieces;
    }

    private static IEnumerable<string> RandomTexts(int count, bool astral)
    {
        var random = new Random(20260301);
        for (var i = 0; i < count; i++)
        {
            yield return string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ =>
                astral && random.Next(4) == 0 ? s_astral[random.Next(s_astral.Length)] : Alphabet[random.Next(Alphabet.Length)].ToString()));
        }
    }
}
