using System.Text.Json.Nodes;

namespace Deepseek.Inference.Tests;

/// <summary>The embedded model with one file of another text, in a folder that goes with the test.</summary>
internal sealed class AlteredNano : IDisposable
{
    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("altered-nano-");

    public AlteredNano(string name, string text)
    {
        Folder = _parent.CreateSubdirectory(Path.GetFileName(TestPaths.Nano)).FullName;
        foreach (var file in Directory.EnumerateFiles(TestPaths.Nano).Where(file => Path.GetFileName(file) != name))
            File.CreateSymbolicLink(Path.Combine(Folder, Path.GetFileName(file)), file);
        File.WriteAllText(Path.Combine(Folder, name), text);
    }

    /// <summary>The model's folder, called as the embedded one is: so is the model.</summary>
    public string Folder { get; }

    /// <summary>With a context that no reply fills while a test waits: a reply whose end is banned goes on until it is stopped.</summary>
    public static AlteredNano WithLongContext()
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(TestPaths.Nano, "config.json")))!;
        config["max_position_embeddings"] = 65_536;
        return new AlteredNano("config.json", config.ToJsonString());
    }

    public void Dispose() => _parent.Delete(recursive: true);
}
