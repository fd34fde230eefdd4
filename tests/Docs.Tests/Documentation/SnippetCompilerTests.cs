namespace Deepseek.Inference.Docs.Tests.Documentation;

public sealed class SnippetCompilerTests
{
    [Fact]
    public void Errors_ProgramOverTheLibrary_AreNone()
    {
        Assert.Empty(Errors("""
            ```csharp
            using Deepseek.Inference.Chat;
            using Deepseek.Inference.Nano;

            using var generator = await TextGenerator.LoadAsync(NanoModel.Folder);
            Console.WriteLine(generator.Model.Config.LayerCount);
            ```
            """));
    }

    [Fact]
    public void Errors_DeclarationsAlone_AreNone()
    {
        Assert.Empty(Errors("""
            ```csharp
            internal sealed class Greedy { public int Token => 1; }
            ```
            """));
    }

    [Fact]
    public void Errors_UnknownName_GivesFileLineAndMessage()
    {
        var error = Assert.Single(Errors("""
            Text.

            ```csharp
            using System.Text;

            Console.WriteLine(missing);
            ```
            """));

        Assert.Equal("a.md(6): CS0103 The name 'missing' does not exist in the current context", error);
    }

    [Fact]
    public void Errors_ContinuedBlock_SeesTheBlockBeforeAndItsUsings()
    {
        Assert.Empty(Errors("""
            ```csharp
            using System.Text;
            var builder = new StringBuilder();
            ```
            ```csharp continued
            using System.Globalization;
            builder.Append(CultureInfo.InvariantCulture, $"{1}");
            ```
            """));
    }

    [Fact]
    public void Errors_BlockThatIsNotContinued_SeesNothingBefore()
    {
        Assert.Single(Errors("""
            ```csharp
            var x = 1;
            ```
            ```csharp
            Console.WriteLine(x);
            ```
            """));
    }

    [Fact]
    public void Errors_NoCompile_IsLeftOut()
    {
        Assert.Empty(Errors("""
            ```csharp no-compile
            fragment(…
            ```
            """));
    }

    [Fact]
    public void Errors_UnknownMark_IsNamed()
    {
        var error = Assert.Single(Errors("""
            ```csharp nocompile
            var x = 1;
            ```
            """));

        Assert.Equal("a.md(1): the mark 'nocompile' is unknown; use continued, no-compile or no-run.", error);
    }

    private static List<string> Errors(string markdown) => [.. SnippetCompiler.Errors(MarkdownFence.Parse("a.md", markdown))];
}
