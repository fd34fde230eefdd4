namespace Deepseek.Inference.Tests;

/// <summary>Where tests find their data.</summary>
internal static class TestPaths
{
    /// <summary>The folder that holds the solution.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>The embedded model's folder.</summary>
    public static string Nano { get; } = Path.Combine(RepositoryRoot, "samples", "models", "deepseek-nano");

    /// <summary>Reference data that the repository carries.</summary>
    public static string Fixtures { get; } = Path.Combine(RepositoryRoot, "tests", "fixtures");

    /// <summary>DeepSeek's own vocabulary and templates, which the repository does not carry; skips the test where they are absent.</summary>
    public static string TextFixtures()
    {
        var folder = Environment.GetEnvironmentVariable("DEEPSEEK_FIXTURES");
        var text = folder is null ? null : Path.Combine(folder, "text");
        Assert.SkipUnless(text is not null && Directory.Exists(text), "DEEPSEEK_FIXTURES names no folder with a text/ folder of DeepSeek's own vocabulary and templates.");
        return text!;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Deepseek.Inference.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds Deepseek.Inference.sln.");
    }
}
