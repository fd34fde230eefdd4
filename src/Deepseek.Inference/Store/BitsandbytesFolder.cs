using System.Text.RegularExpressions;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Store;

/// <summary>The folder that a 4-bit checkpoint is written to.</summary>
/// <remarks>
/// Every file is written under its name with <c>.bnb-unfinished</c> after it and takes its own when all are complete, <c>config.json</c> last: without that, nothing opens the folder as a model. The unfinished
/// <c>config.json</c> is there from the beginning to that moment. It marks the folder as one that may be taken up again, and is locked so that two conversions do not meet.
/// </remarks>
internal sealed partial class BitsandbytesFolder : IDisposable
{
    internal const string Suffix = ".bnb-unfinished";
    internal const string Marker = ConfigFile.Name + Suffix;

    private const int ShownNames = 5;

    // What Transformers saves or needs beside the weights; with code of the model's own, which config.json names; and its licence, which must go where the weights go.
    private static readonly string[] Companions =
    [
        "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
        "chat_template.json", "chat_template.jinja", "configuration_*.py", "modeling_*.py", "tokenization_*.py", "LICENSE*",
    ];

    private readonly string _folder;
    private readonly FileStream _marker;
    private readonly List<string> _files = [];
    private bool _finished;

    private BitsandbytesFolder(string folder, FileStream marker) => (_folder, _marker) = (folder, marker);

    /// <summary>Creates the folder, or takes up an empty or an unfinished one, whose files are deleted.</summary>
    /// <param name="outputFolder">The folder.</param>
    /// <exception cref="ArgumentException">It is a file, holds something else, or another conversion is writing to it.</exception>
    public static BitsandbytesFolder Begin(string outputFolder)
    {
        if (File.Exists(outputFolder))
            throw new ArgumentException($"The output folder {outputFolder} is a file; choose a new or empty folder.", nameof(outputFolder));
        Directory.CreateDirectory(outputFolder);
        FileSystemInfo[] entries = [.. new DirectoryInfo(outputFolder).EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        var isUnfinished = entries.Any(entry => entry.Name == Marker);
        string[] foreign = [.. entries.Where(entry => !isUnfinished || entry is DirectoryInfo || !IsOwn(entry.Name)).Select(entry => entry.Name)];
        if (foreign.Length > 0)
        {
            var shown = string.Join(", ", foreign.Take(ShownNames).Select(name => UntrustedText.Show(name))) + (foreign.Length > ShownNames ? ", …" : "");
            throw new ArgumentException($"The output folder {outputFolder} holds {shown}; choose a new or empty folder, or empty this one.", nameof(outputFolder));
        }

        var marker = Lock(outputFolder);
        foreach (var entry in entries.Where(entry => entry.Name != Marker))
            entry.Delete();
        return new BitsandbytesFolder(outputFolder, marker);
    }

    /// <summary>Files of a source that go with the weights.</summary>
    public static IReadOnlyList<FileInfo> CompanionsOf(string sourceFolder) =>
        [.. Companions.SelectMany(pattern => new DirectoryInfo(sourceFolder).EnumerateFiles(pattern)).DistinctBy(file => file.Name).OrderBy(file => file.Name, StringComparer.Ordinal)];

    /// <summary>The path under which to write a file.</summary>
    public string Add(string name)
    {
        _files.Add(name);
        return Path.Combine(_folder, name + Suffix);
    }

    /// <summary>Writes a small file.</summary>
    public void Write(string name, byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        Write(name, stream);
    }

    /// <summary>Writes a file with a stream's bytes.</summary>
    public void Write(string name, Stream bytes)
    {
        using var file = new FileStream(Add(name), FileMode.CreateNew, FileAccess.Write, FileShare.None);
        bytes.CopyTo(file);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Gives all files their names, in the order in which they were added, <c>config.json</c> last.</summary>
    /// <param name="config">The bytes of <c>config.json</c>.</param>
    public void Finish(ReadOnlySpan<byte> config)
    {
        _marker.Write(config);
        _marker.Flush(flushToDisk: true);
        foreach (var name in _files)
            Rename(name);
        _marker.Dispose();
        Rename(ConfigFile.Name);
        _finished = true;
    }

    /// <summary>Leaves an empty folder unless it was finished.</summary>
    public void Dispose()
    {
        if (_finished)
            return;
        foreach (var path in Directory.EnumerateFiles(_folder).Where(path => Path.GetFileName(path) is var name && name != Marker && IsOwn(name)))
            File.Delete(path);
        _marker.Dispose();
        File.Delete(Path.Combine(_folder, Marker));
    }

    private static FileStream Lock(string outputFolder)
    {
        try
        {
            return new FileStream(Path.Combine(outputFolder, Marker), FileMode.Create, FileAccess.Write, FileShare.None);
        }
        catch (IOException e) when (!DiskSpace.IsFull(e) && File.Exists(Path.Combine(outputFolder, Marker)))
        {
            throw new ArgumentException($"Another conversion is writing to the output folder {outputFolder}; choose another folder, or wait for its end.", nameof(outputFolder), e);
        }
    }

    private void Rename(string name) => File.Move(Path.Combine(_folder, name + Suffix), Path.Combine(_folder, name));

    /// <summary>Unfinished files, and those that were renamed before a conversion was killed.</summary>
    private static bool IsOwn(string name) =>
        name.Contains(Suffix, StringComparison.Ordinal) || name == CheckpointIndex.FileName || Shard().IsMatch(name)
        || Companions.Any(pattern => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));

    [GeneratedRegex(@"^model(-\d{5,}-of-\d{5,})?\.safetensors$", RegexOptions.CultureInvariant)]
    private static partial Regex Shard();
}
