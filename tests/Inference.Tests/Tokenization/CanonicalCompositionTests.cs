using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class CanonicalCompositionTests
{
    // Expected forms: Unicode Standard Annex #15, figures 3 to 6, and NormalizationTest.txt; checked with Python's unicodedata.
    public static TheoryData<string, string> Cases => new()
    {
        { "", "" },
        { "plain ASCII", "plain ASCII" },
        { "Stra\u00DFe 日本語 😀", "Stra\u00DFe 日本語 😀" },
        { "e\u0301", "\u00E9" },
        { "A\u030A", "\u00C5" },
        { "\u212B", "\u00C5" }, // Ångström sign: a singleton
        { "\u2126", "\u03A9" }, // ohm sign
        { "\u1E9B\u0323", "\u1E9B\u0323" },
        { "s\u0323\u0307", "\u1E69" },
        { "s\u0307\u0323", "\u1E69" }, // marks are ordered by class first
        { "q\u0307\u0323", "q\u0323\u0307" }, // nothing composes, the order is still canonical
        { "d\u0307\u0323", "\u1E0D\u0307" },
        { "\u1E0B\u0323", "\u1E0D\u0307" }, // taken apart and joined otherwise
        { "a\u0315\u0300\u05AE\u0062", "\u00E0\u05AE\u0315b" },
        { "a\u0301\u0301", "\u00E1\u0301" }, // the second is blocked
        { "\u0301a", "\u0301a" }, // nothing to join with
        { "\u0958", "\u0915\u093C" }, // excluded from composition
        { "\uFB1D", "\u05D9\u05B4" },
        { "\u1100\u1161", "\uAC00" }, // Hangul: lead and vowel
        { "\u1100\u1161\u11A8", "\uAC01" }, // and trail
        { "\uAC00\u11A8", "\uAC01" },
        { "\uAC00\u11A7", "\uAC00\u11A7" }, // no trailing consonant
        { "\u1100\u1100\u1161\u1161", "\u1100\uAC00\u1161" },
        { "\uAC01\u0301", "\uAC01\u0301" },
        { "\U00011131\U00011127", "\U0001112E" }, // beyond U+FFFF
        { "\U0002F800", "\u4E3D" },
        { "\U0001D15E", "\U0001D157\U0001D165" },
        { "\u0B47\u0B57", "\u0B4C" }, // two starters that compose
        { "\u0B47\u0301\u0B57", "\u0B47\u0301\u0B57" },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Compose_PublishedCase_GivesFormC(string text, string expected)
    {
        Assert.Equal(expected, CanonicalComposition.Compose(text));
        Assert.Equal(expected, CanonicalComposition.Compose(expected));
        Assert.Equal($"x{expected}x", CanonicalComposition.Compose($"x{text}x"));
    }

    [Fact]
    public void Compose_StableText_ReturnsTheSameString()
    {
        var text = new string("日本語 é".AsSpan());

        Assert.Same(text, CanonicalComposition.Compose(text));
    }

    [Fact]
    public void Compose_ManyMarks_Finishes()
    {
        var text = "a" + string.Concat(Enumerable.Repeat("\u0301\u0323", 100_000));

        var composed = CanonicalComposition.Compose(text);

        Assert.Equal("\u1EA1" + new string('\u0323', 99_999) + new string('\u0301', 100_000), composed);
    }
}
