using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Tests.Configuration;

public sealed class UntrustedTextTests
{
    [Theory]
    [InlineData("model.norm.weight", "model.norm.weight")]
    [InlineData("権重 𝛼", "権重 𝛼")]
    [InlineData("a\nb\u001b[0m", "a\\u000ab\\u001b[0m")]
    [InlineData("\u202eevil", "\\u202eevil")]
    public void Show_AnyText_EscapesWhatSteers(string text, string expected)
    {
        Assert.Equal(expected, UntrustedText.Show(text));
    }

    [Fact]
    public void Show_UnpairedSurrogate_IsEscaped() // not in a theory: test runners cannot carry such a text
    {
        Assert.Equal("a\\ud800b", UntrustedText.Show("a\ud800b"));
    }

    [Fact]
    public void Show_LongText_IsCutAndSaysItsLength()
    {
        Assert.Equal(new string('x', 120) + "… (1000 characters)", UntrustedText.Show(new string('x', 1000)));
        Assert.Equal(new string('x', 120), UntrustedText.Show(new string('x', 120)));
    }
}
