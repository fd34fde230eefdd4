namespace Deepseek.Cli.Tests;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deepseek-cli-");

    public string Path => _folder.FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    /// <summary>Copies files of another folder, all of them where none is named.</summary>
    public TemporaryFolder With(string folder, params string[] names)
    {
        foreach (var file in names.Length > 0 ? names.Select(name => System.IO.Path.Combine(folder, name)) : Directory.EnumerateFiles(folder))
            System.IO.File.Copy(file, File(System.IO.Path.GetFileName(file)));
        return this;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
