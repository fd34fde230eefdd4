using System.Collections.Immutable;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Deepseek.Inference.Docs.Tests.Documentation;

/// <summary>Compiles the C# blocks of documents, each as a program of its own.</summary>
/// <remarks>
/// A block marked <c>continued</c> joins the blocks before it in one program; one marked <c>no-compile</c>, for fragments alone, is left out; one marked <c>no-run</c> needs what a test has not, such as a large model.
/// A block has the usings that the SDK adds to a console application, and names all others itself.
/// </remarks>
internal static class SnippetCompiler
{
    public const string Continued = "continued";
    public const string NoCompile = "no-compile";
    public const string NoRun = "no-run";

    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    // C# 14 is Preview to this compiler, which is older than the language.
    private static readonly CSharpParseOptions Language = new(LanguageVersion.Preview, DocumentationMode.None);

    // The tests' own references: the libraries, TorchSharp and the framework.
    private static readonly ImmutableArray<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Whether a block is C#.</summary>
    public static bool IsCSharp(MarkdownFence fence) => fence.Language is "csharp" or "cs" or "c#";

    /// <summary>What the compiler says of the blocks of one file, one error a line; nothing where all compile.</summary>
    /// <param name="fences">All fenced blocks of the file, in order.</param>
    public static IEnumerable<string> Errors(IEnumerable<MarkdownFence> fences)
    {
        var all = fences.Where(IsCSharp).ToList();
        foreach (var fence in all)
        {
            foreach (var mark in fence.Marks.Except([Continued, NoCompile, NoRun]))
                yield return $"{fence.File}({fence.Line - 1}): the mark '{mark}' is unknown; use {Continued}, {NoCompile} or {NoRun}.";
        }

        foreach (var error in Programs(all).SelectMany(program => Errors(Compile(program))))
            yield return error;
    }

    /// <summary>The programs of one file, each of one block and those that continue it.</summary>
    public static IEnumerable<IReadOnlyList<MarkdownFence>> Programs(IEnumerable<MarkdownFence> fences)
    {
        List<MarkdownFence> program = [];
        foreach (var fence in fences.Where(fence => IsCSharp(fence) && !fence.Marks.Contains(NoCompile)))
        {
            if (!fence.Marks.Contains(Continued) && program.Count > 0)
            {
                yield return [.. program];
                program.Clear();
            }

            program.Add(fence);
        }

        if (program.Count > 0)
            yield return program;
    }

    /// <summary>The assembly of a program that compiles.</summary>
    public static byte[] Emit(IReadOnlyList<MarkdownFence> program)
    {
        using var assembly = new MemoryStream();
        var result = Compile(program).Emit(assembly, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Success, string.Join(Environment.NewLine, result.Diagnostics));
        return assembly.ToArray();
    }

    private static CSharpCompilation Compile(IReadOnlyList<MarkdownFence> program)
    {
        var roots = program.Select(fence => (Fence: fence, Root: SyntaxFactory.ParseCompilationUnit(fence.Text, options: Language))).ToList();
        var source = new StringBuilder();
        // Usings come first in a program, whichever block they stand in. #line lets the compiler name the document's own lines.
        foreach (var (fence, root) in roots)
            source.Append(root.Usings.Count == 0 ? "" : Part(fence, root.Usings.ToFullString(), 0));
        foreach (var (fence, root) in roots)
        {
            var rest = root.Usings.Count == 0 ? 0 : root.Usings.FullSpan.End;
            source.Append(Part(fence, fence.Text[rest..], fence.Text.AsSpan(0, rest).Count('\n')));
        }

        var tree = CSharpSyntaxTree.ParseText(source.ToString(), Language, encoding: Encoding.UTF8);
        var isProgram = tree.GetCompilationUnitRoot().Members.Any(member => member is GlobalStatementSyntax);
        var options = new CSharpCompilationOptions(isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable);
        return CSharpCompilation.Create("Snippet", [tree, CSharpSyntaxTree.ParseText(ImplicitUsings, Language)], References, options);
    }

    private static IEnumerable<string> Errors(CSharpCompilation compilation) =>
        from diagnostic in compilation.GetDiagnostics(TestContext.Current.CancellationToken)
        where diagnostic.Severity == DiagnosticSeverity.Error
        let place = diagnostic.Location.GetMappedLineSpan()
        select $"{place.Path}({place.StartLinePosition.Line + 1}): {diagnostic.Id} {diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture)}";

    private static string Part(MarkdownFence fence, string text, int skipped) =>
        $"#line {fence.Line + skipped} \"{fence.File}\"\n{text}\n";
}
