namespace Deepseek.Inference.Docs.Tests.Support;

/// <summary>A folder outside the repository, where none of its settings apply; gone in the end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>Its full path.</summary>
    public string FullPath { get; } = Directory.CreateTempSubdirectory("deepseek-docs-").FullName;

    /// <summary>The path of something in it.</summary>
    public string At(params string[] parts) => Path.Combine([FullPath, .. parts]);

    /// <summary>Writes a text file into it.</summary>
    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
    }

    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
