using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests;

/// <summary>What tests of <c>convert</c> and <c>verify</c> share.</summary>
internal static class StoreFolders
{
    /// <summary>A small checkpoint of the mixture architecture.</summary>
    public static string Small { get; } = Path.Combine(TestPaths.Fixtures, "v3-mtp");

    /// <summary>All files of a folder, by name.</summary>
    public static SortedDictionary<string, byte[]> Files(string folder) =>
        new(Directory.EnumerateFiles(folder).ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes), StringComparer.Ordinal);

    /// <summary>Converts a checkpoint into a folder <c>store</c> of another.</summary>
    public static async Task<string> ConvertAsync(TemporaryFolder folder, string checkpoint, params string[] options)
    {
        var store = folder.File("store");
        (await Tool.RunAsync(["convert", checkpoint, store, "--json", .. options])).AssertSuccess();
        return store;
    }

    /// <summary>Flips a bit.</summary>
    public static void Flip(string file, int offset)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[offset] ^= 4;
        File.WriteAllBytes(file, bytes);
    }
}
