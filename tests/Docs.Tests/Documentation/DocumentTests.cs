using System.Text.RegularExpressions;
using Deepseek.Inference.Docs.Tests.Support;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Docs.Tests.Documentation;

/// <summary>README.md, CHANGELOG.md and docs/: their code compiles, their links lead somewhere.</summary>
public sealed partial class DocumentTests
{
    private static readonly IReadOnlyList<string> Documents =
    [
        .. RepositoryFiles.Text.Where(file => file is "README.md" or "CHANGELOG.md" || (file.StartsWith("docs/", StringComparison.Ordinal) && file.EndsWith(".md", StringComparison.Ordinal))),
    ];

    [Fact]
    public void CSharpBlocks_OfAllDocuments_Compile()
    {
        Assert.SkipUnless(Documents.Count > 0, "There are no documents.");

        Faults.RequireNone(Documents.SelectMany(file => SnippetCompiler.Errors(MarkdownFence.Parse(file, RepositoryFiles.Read(file)))));
    }

    [Fact]
    public void Links_ToFilesOfTheRepository_LeadThere()
    {
        Assert.SkipUnless(Documents.Count > 0, "There are no documents.");

        var faults =
            from file in Documents
            from Match link in Link().Matches(WithoutFences(RepositoryFiles.Read(file)))
            let target = Uri.UnescapeDataString(link.Groups[1].Value)
            let path = Path.GetFullPath(Path.Combine(TestPaths.RepositoryRoot, Path.GetDirectoryName(file)!, target))
            where !Path.Exists(path)
            select $"{file} links to {target}, which does not exist.";

        Faults.RequireNone(faults);
    }

    private static string WithoutFences(string markdown) => Fence().Replace(markdown, "");

    // The target up to its fragment; neither an address (it has a scheme) nor a place on the same page.
    [GeneratedRegex(@"\]\((?!\w+:)([^)#\s]+)(?:#[^)\s]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^ *```.*?^ *```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();
}
