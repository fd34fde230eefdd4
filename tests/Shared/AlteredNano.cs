using System.Text.Json.Nodes;

namespace Deepseek.Inference.Tests;

/// <summary>The embedded model with other texts in some of its files, in a folder that goes with the test.</summary>
internal sealed class AlteredNano : IDisposable
{
    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("altered-nano-");

    public AlteredNano(params (string Name, string Text)[] files)
    {
        Folder = _parent.CreateSubdirectory(Path.GetFileName(TestPaths.Nano)).FullName;
        foreach (var file in Directory.EnumerateFiles(TestPaths.Nano).Where(file => files.All(altered => altered.Name != Path.GetFileName(file))))
            File.CreateSymbolicLink(Path.Combine(Folder, Path.GetFileName(file)), file);
        foreach (var (name, text) in files)
            File.WriteAllText(Path.Combine(Folder, name), text);
    }

    /// <summary>The model's folder, called as the embedded one is: so is the model.</summary>
    public string Folder { get; }

    /// <summary>With a context that no reply fills while a test waits: a reply whose end is banned goes on until it is stopped.</summary>
    public static AlteredNano WithLongContext() => new(("config.json", LongContext().ToJsonString()));

    /// <summary>The same without a token that ends a reply: it goes on until it is stopped.</summary>
    public static AlteredNano WithoutEnd()
    {
        var config = LongContext();
        config.Remove("eos_token_id");
        return new(("config.json", config.ToJsonString()), ("generation_config.json", "{}"));
    }

    public void Dispose() => _parent.Delete(recursive: true);

    private static JsonObject LongContext()
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(TestPaths.Nano, "config.json")))!.AsObject();
        config["max_position_embeddings"] = 65_536;
        return config;
    }
}
