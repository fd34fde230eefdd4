using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Docs.Tests.Support;

/// <summary>The files that belong to the repository.</summary>
internal static class RepositoryFiles
{
    // As in .gitignore.
    private static readonly HashSet<string> Ignored =
        ["bin", "obj", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts", ".git", ".vs", ".idea"];

    private static readonly HashSet<string> Binary = [".safetensors", ".png", ".nupkg", ".snupkg", ".user"];

    // Test data: texts of all kinds, some of which look like paths.
    private static readonly string[] Data = ["samples/models/", "tests/fixtures/"];

    /// <summary>Paths of all files, relative to the root, with forward slashes.</summary>
    public static IReadOnlyList<string> All { get; } =
        [.. Walk(new DirectoryInfo(TestPaths.RepositoryRoot)).Order(StringComparer.Ordinal)];

    /// <summary>Paths of all text files but test data.</summary>
    public static IReadOnlyList<string> Text { get; } = [.. All.Where(IsText)];

    /// <summary>Paths of all C# files.</summary>
    public static IEnumerable<string> CSharp => Text.Where(file => file.EndsWith(".cs", StringComparison.Ordinal));

    /// <summary>Names of the root's folders and files.</summary>
    public static IEnumerable<string> TopLevel =>
        new DirectoryInfo(TestPaths.RepositoryRoot).EnumerateFileSystemInfos().Select(entry => entry.Name).Where(name => name == ".git" || !Ignored.Contains(name));

    /// <summary>A file's text.</summary>
    public static string Read(string file) => File.ReadAllText(Path.Combine(TestPaths.RepositoryRoot, file));

    private static bool IsText(string file) =>
        !Binary.Contains(Path.GetExtension(file)) && !Data.Any(folder => file.StartsWith(folder, StringComparison.Ordinal));

    private static IEnumerable<string> Walk(DirectoryInfo folder)
    {
        var files = folder.EnumerateFiles().Where(file => !Ignored.Contains(file.Name)).Select(file => Path.GetRelativePath(TestPaths.RepositoryRoot, file.FullName).Replace('\\', '/'));
        // A link may lead out of the repository.
        var folders = folder.EnumerateDirectories().Where(inner => !Ignored.Contains(inner.Name) && inner.LinkTarget is null);
        return files.Concat(folders.SelectMany(Walk));
    }
}
