using Deepseek.Inference.Store;

namespace Deepseek.Inference.Planning;

/// <summary>A part of a file that one read brings; offset and length are multiples of a page.</summary>
/// <param name="Path">The file.</param>
/// <param name="Offset">First byte.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct DiskPiece(string Path, long Offset, int Length);

/// <summary>What a disk probe reads.</summary>
internal static class DiskPieces
{
    /// <summary>Bytes of a piece of a file that has no records: near to those of R1's experts.</summary>
    public const int PieceBytes = 16 << 20;

    /// <summary>Every expert of a store; of one without experts its shards, in pieces as far as they are long enough.</summary>
    /// <exception cref="Diagnostics.CheckpointFormatException">The store is not sound, or lacks a shard.</exception>
    public static IReadOnlyList<DiskPiece> OfStore(string folder)
    {
        using var store = PageStore.Open(folder); // checks that all shards are there, and as long as they should be
        var layout = store.Manifest.Layout;
        List<DiskPiece> experts =
        [
            .. from run in layout.Experts
               from index in Enumerable.Range(0, run.Count)
               let shard = layout.Shards[run.Shard]
               select new DiskPiece(StoreFile.Find(Path.Combine(folder, shard.File)).FullName, shard.PageOffsets[run.FirstPage + index], run.Record.Length),
        ];
        return experts.Count > 0 ? experts : [.. layout.Shards.SelectMany(shard => OfFile(StoreFile.Find(Path.Combine(folder, shard.File)).FullName, shard.Length))];
    }

    /// <summary>A file in whole pieces.</summary>
    public static IReadOnlyList<DiskPiece> OfFile(string path, long length) =>
        [.. Enumerable.Range(0, (int)(length / PieceBytes)).Select(index => new DiskPiece(path, (long)index * PieceBytes, PieceBytes))];
}
