using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class AddedTokenMatcherTests
{
    [Theory]
    [InlineData("a<x>b", "a [0] b")]
    [InlineData("<x><x>", "[0] [0]")]
    [InlineData("<xy>z<x>", "[1] z [0]")] // the longest of those that begin at one place
    [InlineData("<xy<x>", "<xy [0]")] // a beginning that comes to nothing hides no token
    [InlineData("<x", "<x")]
    [InlineData("", "")]
    public void Scan_PlainTokens_FindsLeftmostLongest(string text, string expected) =>
        Assert.Equal(expected, Scan(text, Token("<x>"), Token("<xy>"), Token("<xy>z!")));

    [Theory]
    [InlineData("a \t<x>  b", "a [0]   b")]
    [InlineData("  <x>", "[0]")]
    [InlineData("\u3000<x>", "[0]")]
    [InlineData("<x> <x>", "[0] [0]")]
    public void Scan_StripLeft_TakesWhiteSpaceBefore(string text, string expected) =>
        Assert.Equal(expected, Scan(text, Token("<x>") with { StripLeft = true }));

    [Theory]
    [InlineData("a <x> \n b", "a  [0] b")]
    [InlineData("<x>  ", "[0]")]
    public void Scan_StripRight_TakesWhiteSpaceAfter(string text, string expected) =>
        Assert.Equal(expected, Scan(text, Token("<x>") with { StripRight = true }));

    [Fact]
    public void Scan_StripLeftAfterStripRight_TakesNothingTwice() =>
        Assert.Equal("[0] [1]", Scan("<x>  <y>", Token("<x>") with { StripRight = true }, Token("<y>") with { StripLeft = true }));

    [Theory]
    [InlineData("ab", "[0]")]
    [InlineData("xab ab", "xab  [0]")]
    [InlineData("ab_ (ab)", "ab_ ( [0] )")] // _ is a word character (Pc), the bracket is not
    [InlineData("ab\u0301,ab", "ab\u0301, [0]")] // marks are
    [InlineData("ab1ab", "ab1ab")]
    [InlineData("abⓐ ab", "abⓐ  [0]")] // circled letters are alphabetic
    [InlineData("ab\u200D ab", "ab\u200D  [0]")] // joiners are
    [InlineData("ab\U0001D400 ab😀", "ab\U0001D400  [0] 😀")]
    public void Scan_SingleWord_SkipsTokensWithinWords(string text, string expected) =>
        Assert.Equal(expected, Scan(text, Token("ab") with { SingleWord = true }));

    private static AddedToken Token(string content) => new(0, content, false, false, false, false, false);

    private static string Scan(string text, params AddedToken[] tokens)
    {
        var numbered = tokens.Select((token, i) => token with { Id = i });
        List<string> parts = [];
        new AddedTokenMatcher(numbered.Select(token => (token.Content, token)))
            .Scan(text, (start, end) => parts.Add(text[start..end]), token => parts.Add($"[{token.Id}]"));
        return string.Join(" ", parts);
    }
}
