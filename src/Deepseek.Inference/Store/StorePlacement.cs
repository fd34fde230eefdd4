using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Store;

/// <summary>Which shards of a store lie in other folders: the experts of every layer on all disks, in proportion to their speeds.</summary>
/// <remarks>
/// The store's own folder has links to them, so that it stays one folder for whoever reads it. What the shards hold does not depend on where they lie, nor on how many disks there are.
/// </remarks>
internal sealed class StorePlacement
{
    /// <summary>Shards of a layer's experts where a store may span disks: enough to divide them by speed, whatever the speeds.</summary>
    public const int Parts = 8;

    private readonly string?[] _folders; // by shard; null for the store's own

    private StorePlacement(string?[] folders) => _folders = folders;

    /// <summary>Every shard in the store's own folder.</summary>
    public static StorePlacement Own { get; } = new([]);

    /// <summary>Shares the experts out.</summary>
    /// <param name="layout">The store.</param>
    /// <param name="speed">How fast the disk of the store's folder is.</param>
    /// <param name="also">The other disks.</param>
    public static StorePlacement Of(StoreLayout layout, double speed, IReadOnlyList<StoreDisk> also)
    {
        if (also.Count == 0)
            return Own;

        var folders = new string?[layout.Shards.Count];
        StoreDisk[] disks = [new("", speed), .. also];
        var total = disks.Sum(disk => disk.Speed);
        var credit = new double[disks.Length];
        foreach (var run in layout.Experts)
        {
            for (var disk = 0; disk < disks.Length; disk++)
                credit[disk] += disks[disk].Speed / total;
            var richest = Array.IndexOf(credit, credit.Max());
            credit[richest]--;
            folders[run.Shard] = richest == 0 ? null : Path.GetFullPath(disks[richest].Folder);
        }

        return new StorePlacement(folders);
    }

    /// <summary>The other folders that have shards.</summary>
    public IEnumerable<string> Folders => _folders.OfType<string>().Distinct(StringComparer.Ordinal);

    /// <summary>Where a shard is to lie; null for the store's own folder.</summary>
    public string? FolderOf(int shard) => shard < _folders.Length ? _folders[shard] : null;

    /// <summary>Where a shard that does not exist is to be created. One that is to lie elsewhere gets its link first: a kill between the two leaves nothing that the next run cannot take up.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="path">Its path in the store's folder.</param>
    /// <exception cref="CheckpointFormatException">The other folder holds a file of that name that is no part of this conversion.</exception>
    public string Prepare(int shard, string path)
    {
        if (new FileInfo(path).LinkTarget is not null)
            File.Delete(path); // what it led to is gone
        return FolderOf(shard) is { } folder ? Link(path, folder) : path;
    }

    private static string Link(string link, string folder)
    {
        var target = Path.Combine(folder, Path.GetFileName(link));
        if (File.Exists(target))
            throw new CheckpointFormatException(target, null, "The file is no part of this conversion. Give an empty folder, or one that does not exist yet.");
        _ = Directory.CreateDirectory(folder);
        _ = File.CreateSymbolicLink(link, target);
        return target;
    }
}
