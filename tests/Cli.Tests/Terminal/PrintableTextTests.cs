using Deepseek.Cli.Terminal;

namespace Deepseek.Cli.Tests.Terminal;

public sealed class PrintableTextTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("Größe 一 👩‍🚀\n\tx", "Größe 一 👩‍🚀\n\tx")]
    [InlineData("\u001b[2Jgone", "[2Jgone")] // ESC
    [InlineData("a\rb\bc\u0007d\0e\u007f", "abcde")]
    [InlineData("\u009b31mred\u0085", "31mred")] // C1: CSI in one character
    public void Of_Text_LosesControlCharacters(string text, string expected) => Assert.Equal(expected, PrintableText.Of(text));

    [Fact]
    public void Line_SeveralLines_BecomeOne() => Assert.Equal("a b c[1m", PrintableText.Line("a\r\n  b\n\n\tc\u001b[1m\n"));
}
