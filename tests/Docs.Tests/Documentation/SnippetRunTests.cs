using System.Reflection;
using Deepseek.Inference.Docs.Tests.Support;

namespace Deepseek.Inference.Docs.Tests.Documentation;

/// <summary>The C# programs of README.md and docs/ run to their end.</summary>
public sealed class SnippetRunTests
{
    /// <summary>Every program, as file and line of its first block.</summary>
    public static TheoryData<string, int> Programs => [.. All().Select(program => (program[0].File, program[0].Line))];

    [Theory, MemberData(nameof(Programs))]
    public async Task Program_OfADocument_Runs(string file, int line)
    {
        var program = All().Single(program => (program[0].File, program[0].Line) == (file, line));
        var main = Assembly.Load(SnippetCompiler.Emit(program)).EntryPoint;
        Assert.SkipWhen(main is null, "The block declares types alone.");
        using var folder = new TemporaryFolder();
        var (before, console) = (Environment.CurrentDirectory, Console.Out);
        using var output = new StringWriter();
        try
        {
            Environment.CurrentDirectory = folder.FullPath; // what it writes goes with it
            Console.SetOut(output);
            await Task.Run(() => main.Invoke(null, main.GetParameters().Length == 0 ? null : [Array.Empty<string>()])).WaitAsync(TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        }
        catch (TargetInvocationException fault)
        {
            Assert.Fail($"{file}({line}): {fault.InnerException}");
        }
        finally
        {
            Console.SetOut(console);
            Environment.CurrentDirectory = before;
        }

        TestContext.Current.TestOutputHelper?.WriteLine(output.ToString());
        Assert.NotEmpty(output.ToString()); // a program of the documents shows something
    }

    private static IEnumerable<IReadOnlyList<MarkdownFence>> All() =>
        from file in RepositoryFiles.Text
        where file == "README.md" || (file.StartsWith("docs/", StringComparison.Ordinal) && file.EndsWith(".md", StringComparison.Ordinal))
        from program in SnippetCompiler.Programs(MarkdownFence.Parse(file, RepositoryFiles.Read(file)))
        where !program.Any(fence => fence.Marks.Contains(SnippetCompiler.NoRun))
        select program;
}
