namespace Deepseek.Inference.Docs.Tests.Documentation;

public sealed class MarkdownFenceTests
{
    [Fact]
    public void Parse_TwoFences_GivesLanguageMarksTextAndLine()
    {
        const string Markdown = "# Title\n\n```sh\ndotnet run\n```\ntext\n``` CSharp no-compile\nint x;\n\nint y;\n```\n";

        var fences = MarkdownFence.Parse("a.md", Markdown).ToList();

        Assert.Equal(2, fences.Count);
        Assert.Equal(("sh", 4, "dotnet run"), (fences[0].Language, fences[0].Line, fences[0].Text));
        Assert.Equal(("csharp", 8, "int x;\n\nint y;"), (fences[1].Language, fences[1].Line, fences[1].Text));
        Assert.Equal(["no-compile"], fences[1].Marks);
    }

    [Fact]
    public void Parse_IndentedFence_LosesTheIndentation()
    {
        var fence = Assert.Single(MarkdownFence.Parse("a.md", "1. Step\n\n   ```sh\n   one\n     two\n   ```"));

        Assert.Equal("one\n  two", fence.Text);
    }

    [Fact]
    public void Parse_LongFence_HoldsShorterOnes()
    {
        var fence = Assert.Single(MarkdownFence.Parse("a.md", "````\n```sh\n```\n````"));

        Assert.Equal("```sh\n```", fence.Text);
    }

    [Fact]
    public void Parse_UnclosedFence_GoesToTheEnd()
    {
        var fence = Assert.Single(MarkdownFence.Parse("a.md", "~~~\none"));

        Assert.Equal("one", fence.Text);
    }

    [Fact]
    public void Parse_InlineCode_IsNoFence()
    {
        Assert.Empty(MarkdownFence.Parse("a.md", "``` not a fence ```\n`code`"));
    }
}
