using System.Text.RegularExpressions;
using Deepseek.Inference.Docs.Tests.Support;

namespace Deepseek.Inference.Docs.Tests.House;

/// <summary>Rules that hold for every file, whoever wrote it.</summary>
/// <remarks>Patterns are broken up where this file would else be its own fault.</remarks>
public sealed class HouseTests
{
    private const int LongestFile = 300;

    // The one file that knows the place in which the project is built and tested.
    private const string BuildScript = ".ci/run";

    private static readonly string[] TopLevel =
    [
        "src", "tests", "benchmarks", "samples", "docs", "eng", ".ci", ".git", "Deepseek.Inference.sln", "nuget.config", "global.json", "LICENSE", "README.md", "CHANGELOG.md",
        "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", ".editorconfig", ".gitignore", ".gitattributes",
    ];

    /// <summary>What no C# file holds, and why.</summary>
    public static TheoryData<string, string> Banned => new()
    {
        { @"throw new Exc" + @"eption\(", "an error has a type of its own" },
        { "NotImplemented" + "Exception", "what is there works" },
        { @"\bTO" + @"DO\b|\bFIX" + @"ME\b|\bHACK\b", "what is missing stands in no comment" },
    };

    /// <summary>What no text file but the build script holds, and why.</summary>
    public static TheoryData<string, string> Places => new()
    {
        { @"\.\./sha" + "red", "it lies outside the repository" },
        { @"(?<![\w.$}])/(work|root|home|Users)/\w", "it is a place of one machine" },
        { @"\b[A-Za-z]:\\\w", "it is a place of one machine" },
        { @"nuget\.or" + @"g\b|pypi\.or" + @"g\b|crates\.i" + @"o\b|npmjs\.", "the user's own configuration names the registries" },
    };

    [Fact]
    public void CSharpFiles_Length_IsAtMost300Lines()
    {
        var faults =
            from file in RepositoryFiles.CSharp
            let lines = RepositoryFiles.Read(file).Count(character => character == '\n')
            where lines > LongestFile
            select $"{file} has {lines} lines; {LongestFile} are allowed: part it by its ideas.";

        Faults.RequireNone(faults);
    }

    [Theory, MemberData(nameof(Banned))]
    public void CSharpFiles_BannedPhrase_IsAbsent(string pattern, string reason)
    {
        Faults.RequireNone(Matches(RepositoryFiles.CSharp, pattern, reason));
    }

    [Theory, MemberData(nameof(Places))]
    public void TextFiles_PlaceOutsideTheRepository_IsAbsent(string pattern, string reason)
    {
        Faults.RequireNone(Matches(RepositoryFiles.Text.Where(file => file != BuildScript), pattern, reason));
    }

    [Fact]
    public void Root_Entries_AreTheAgreedOnes()
    {
        Faults.RequireNone(RepositoryFiles.TopLevel.Except(TopLevel));
    }

    [Fact]
    public void Libraries_All_RecordTheirPublicApi()
    {
        var faults =
            from project in RepositoryFiles.All
            where project.StartsWith("src/", StringComparison.Ordinal) && project.EndsWith(".csproj", StringComparison.Ordinal)
            let text = RepositoryFiles.Read(project)
            where text.Contains("<IsPackable>true", StringComparison.Ordinal) && !text.Contains("<PackAsTool>true", StringComparison.Ordinal)
            from name in new[] { "PublicAPI.Shipped.txt", "PublicAPI.Unshipped.txt" }
            let file = $"{Path.GetDirectoryName(project)!.Replace('\\', '/')}/{name}"
            where !RepositoryFiles.All.Contains(file)
            select $"{file} is missing: begin it with #nullable enable, then run eng/update-public-api.sh.";

        Faults.RequireNone(faults);
    }

    [Theory]
    [InlineData("throw new Exc" + "eption(\"x\")")]
    [InlineData("// TO" + "DO: later")]
    [InlineData("throw new NotImplemented" + "Exception();")]
    public void Banned_ExampleOfEach_IsCaught(string example)
    {
        Assert.Contains(Banned, row => Regex.IsMatch(example, row.Data.Item1));
    }

    [Theory]
    [InlineData("cp ../sha" + "red/x .")]
    [InlineData("\"/wo" + "rk/main/x\"")]
    [InlineData("C:" + "\\Users\\me")]
    [InlineData("https://api.nuget.or" + "g/v3/index.json")]
    public void Places_ExampleOfEach_IsCaught(string example)
    {
        Assert.Contains(Places, row => Regex.IsMatch(example, row.Data.Item1));
    }

    private static IEnumerable<string> Matches(IEnumerable<string> files, string pattern, string reason)
    {
        var expression = new Regex(pattern, RegexOptions.None, TimeSpan.FromSeconds(10));
        return
            from file in files
            let match = expression.Match(RepositoryFiles.Read(file))
            where match.Success
            select $"{file} holds \"{match.Value}\"; {reason}.";
    }
}
