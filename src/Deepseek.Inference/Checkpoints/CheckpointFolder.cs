using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Checkpoints;

/// <summary>A checkpoint in a folder as the Hugging Face hub publishes it.</summary>
/// <remarks>
/// With <c>model.safetensors.index.json</c>, exactly the tensors that it lists are there, and only the shards that it names are
/// opened: what such a shard holds beside them is not part of the checkpoint and is ignored, unless the index places a tensor of that name
/// in another shard. Without an index, the tensors are those of <c>model.safetensors</c>.
/// </remarks>
public sealed class CheckpointFolder : ICheckpointSource
{
    private readonly Dictionary<string, SafetensorsFile> _files;
    private readonly Dictionary<string, TensorEntry> _tensors;

    private CheckpointFolder(string folder, Dictionary<string, SafetensorsFile> files, Dictionary<string, TensorEntry> tensors)
    {
        Location = folder;
        _files = files;
        _tensors = tensors;
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorEntry> Tensors => _tensors;

    /// <summary>Paths of the shards, in the index's order.</summary>
    public IReadOnlyCollection<string> Files => _files.Keys;

    /// <summary>The shards, in the index's order.</summary>
    internal IReadOnlyCollection<SafetensorsFile> OpenFiles => _files.Values;

    /// <summary>Opens a folder and checks the headers of all its shards.</summary>
    /// <param name="folder">A folder with <c>model.safetensors.index.json</c> or <c>model.safetensors</c>.</param>
    /// <exception cref="ArgumentException"><paramref name="folder"/> is null or empty.</exception>
    /// <exception cref="CheckpointFormatException">The folder holds no such checkpoint, a shard is missing, or a header or the index is not sound.</exception>
    public static CheckpointFolder Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Dictionary<string, SafetensorsFile> files = new(StringComparer.Ordinal);
        try
        {
            var tensors = OpenAll(folder, files);
            return new CheckpointFolder(folder, files, tensors);
        }
        catch
        {
            foreach (var file in files.Values)
                file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="CheckpointFormatException">The file is missing or too large to be a configuration.</exception>
    public ReadOnlyMemory<byte> ReadConfiguration() => ConfigFile.Read(Location);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The entry is not of this checkpoint, or the range leaves the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint is closed.</exception>
    public void Read(TensorEntry tensor, long offset, Span<byte> destination) => FileOf(tensor).Read(tensor, offset, destination);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The entry is not of this checkpoint.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint is closed.</exception>
    public bool TryMap(TensorEntry tensor, out nint address)
    {
        address = FileOf(tensor).Address(tensor);
        return true;
    }

    /// <summary>A tensor's bytes in the mapped shard.</summary>
    /// <param name="tensor">An entry of <see cref="Tensors"/>.</param>
    /// <exception cref="ArgumentException">The entry is not of this checkpoint, or longer than 2³¹ − 1 bytes.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint is closed.</exception>
    public ReadOnlySpan<byte> Bytes(TensorEntry tensor) => FileOf(tensor).Bytes(tensor);

    /// <summary>Closes all shards; addresses taken from them end here.</summary>
    public void Dispose()
    {
        foreach (var file in _files.Values)
            file.Dispose();
    }

    private static Dictionary<string, TensorEntry> OpenAll(string folder, Dictionary<string, SafetensorsFile> files)
    {
        var indexPath = Path.Combine(folder, CheckpointIndex.FileName);
        if (File.Exists(indexPath))
            return OpenShards(folder, ReadIndex(indexPath), files);

        var single = Path.Combine(folder, CheckpointContents.SingleFile);
        if (!File.Exists(single))
            throw CheckpointContents.NothingToOpen(folder);

        files.Add(single, SafetensorsFile.Open(single));
        return new Dictionary<string, TensorEntry>(files[single].Tensors, StringComparer.Ordinal);
    }

    private static CheckpointIndex ReadIndex(string path)
    {
        // As much as the header of a file may have: R1's index has 9 MB.
        if (new FileInfo(path).Length is var length && length > SafetensorsHeader.MaxBytes)
        {
            throw new CheckpointFormatException(path, null, FormattableString.Invariant(
                $"The index has {length} bytes; at most {SafetensorsHeader.MaxBytes} are allowed."));
        }

        return CheckpointIndex.Parse(File.ReadAllBytes(path), path);
    }

    private static Dictionary<string, TensorEntry> OpenShards(string folder, CheckpointIndex index, Dictionary<string, SafetensorsFile> files)
    {
        CheckpointContents.RequireShards(folder, index);
        foreach (var shard in index.Shards)
        {
            var path = Path.Combine(folder, shard);
            files.Add(path, SafetensorsFile.Open(path));
        }

        var tensors = new Dictionary<string, TensorEntry>(index.ShardOf.Count, StringComparer.Ordinal);
        foreach (var (name, shard) in index.ShardOf)
        {
            if (!files[Path.Combine(folder, shard)].Tensors.TryGetValue(name, out var entry))
                throw new CheckpointFormatException(index.File, UntrustedText.Show(name), $"The index places the tensor in {shard}, which does not hold it; index and shards are not of one checkpoint.");
            tensors.Add(name, entry);
        }

        RefuseCopies(index, files.Values, tensors);
        return tensors;
    }

    // Other readers take whatever each shard holds, so a copy in a second shard may win there: two answers to one name.
    private static void RefuseCopies(CheckpointIndex index, IEnumerable<SafetensorsFile> files, Dictionary<string, TensorEntry> tensors)
    {
        foreach (var copy in files.SelectMany(file => file.Tensors.Values))
        {
            if (tensors.TryGetValue(copy.Name, out var entry) && entry.File != copy.File)
            {
                throw new CheckpointFormatException(index.File, UntrustedText.Show(copy.Name),
                    $"The tensor is in {Path.GetFileName(entry.File)} and in {Path.GetFileName(copy.File)}; which one counts is unknown. Remove shards of other checkpoints.");
            }
        }
    }

    private SafetensorsFile FileOf(TensorEntry tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return _files.TryGetValue(tensor.File, out var file)
            ? file
            : throw new ArgumentException($"The tensor {UntrustedText.Quote(tensor.Name)} of {tensor.File} is not an entry of {Location}.", nameof(tensor));
    }
}
