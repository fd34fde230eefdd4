namespace Deepseek.Inference.Store;

/// <summary>Names of a store's files, and files written as a whole or not at all.</summary>
internal static class StoreFile
{
    /// <summary>The manifest: what makes a folder a store.</summary>
    public const string Manifest = Configuration.ConfigFile.StoreName;

    /// <summary>What an unfinished conversion has done so far.</summary>
    public const string Journal = "convert.journal";

    /// <summary>Begins the names of what else is kept until a conversion is done.</summary>
    public const string Kept = "convert.kept-";

    /// <summary>Ends the names of files that are being written.</summary>
    public const string Partial = ".partial";

    /// <summary>Files beside the weights that a store takes over from a checkpoint where there are any.</summary>
    public static readonly string[] Companions =
    [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model",
        "chat_template.jinja", "chat_template.json", "generation_config.json", "LICENSE", "LICENSE-MODEL", "LICENSE-CODE",
    ];

    /// <summary>Whether a folder is a store.</summary>
    public static bool IsStore(string folder) => File.Exists(Path.Combine(folder, Manifest));

    /// <summary>A file, or what a link leads to: caches of hubs are made of links.</summary>
    /// <remarks>Its length is known without opening it: opening a pipe would wait for somebody to write.</remarks>
    public static FileInfo Find(string path)
    {
        var file = new FileInfo(path);
        return file.Exists && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target : file;
    }

    /// <summary>Writes a file that appears complete and on the disk, or not at all.</summary>
    public static void WriteWhole(string path, ReadOnlySpan<byte> content)
    {
        using var file = new WholeFile(path);
        file.Content.Write(content);
        file.Complete();
    }
}
