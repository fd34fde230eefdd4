using System.Globalization;
using Deepseek.Inference.Docs.Tests.Support;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Docs.Tests.Packaging;

/// <summary>The libraries, packed once for all tests of the class, from a copy of the sources: the repository's own outputs stay as they are.</summary>
public sealed class PackedLibraries : IAsyncLifetime
{
    private static readonly string[] Sources =
        ["src/Deepseek.Inference", "src/Deepseek.Inference.Kernels", "src/Deepseek.Inference.Nano", "src/Deepseek.Inference.Server", "samples/models/deepseek-nano", "eng"];

    // Documentation and licence for packages, settings for the build.
    private static readonly string[] RootFiles =
        ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json", "nuget.config", ".editorconfig", "README.md", "LICENSE"];

    private readonly TemporaryFolder _folder = new();

    /// <summary>The packages' ids.</summary>
    public static IReadOnlyList<string> Ids { get; } = ["Deepseek.Inference", "Deepseek.Inference.Kernels", "Deepseek.Inference.Nano", "Deepseek.Inference.Server"];

    /// <summary>A version of this run alone, so that no cache knows it.</summary>
    public string Version { get; } = $"0.0.1-test.{DateTime.UtcNow.Ticks.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The folder of the packages.</summary>
    public string Packages => _folder.At("packages");

    /// <summary>The path of a package.</summary>
    public string Package(string id) => Path.Combine(Packages, $"{id}.{Version}.nupkg");

    /// <summary>The path of a package's symbols.</summary>
    public string Symbols(string id) => Path.Combine(Packages, $"{id}.{Version}.snupkg");

    public async ValueTask InitializeAsync()
    {
        foreach (var file in RepositoryFiles.All.Where(IsSource))
        {
            var copy = _folder.At("copy", file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Path.Combine(TestPaths.RepositoryRoot, file), copy);
        }

        foreach (var id in Ids)
        {
            // The analyzers have seen these sources already.
            var result = await Command.DotnetAsync(_folder.At("copy"), "", "pack", $"src/{id}", "-c", "Release", "-o", Packages, $"-p:Version={Version}", "-p:RunAnalyzers=false");
            result.RequireSuccess();
        }
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private static bool IsSource(string file) =>
        RootFiles.Contains(file) || Sources.Any(folder => file.StartsWith(folder + "/", StringComparison.Ordinal));
}
