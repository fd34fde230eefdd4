using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Store;

/// <summary>A page, or another file of a store, that does not hold what was written.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Page">The page within a shard; −1 for a file that is no shard.</param>
/// <param name="Expected">The checksum that was written down.</param>
/// <param name="Found">The checksum of what is there, or what kept it from being read.</param>
public sealed record StoreDamage(string File, int Page, string Expected, string Found);

/// <summary>What became of checking a store.</summary>
/// <param name="Folder">The store.</param>
/// <param name="Pages">Pages and other files that were checked.</param>
/// <param name="Bytes">Bytes that were checked.</param>
/// <param name="Damage">What is damaged; empty where all is well.</param>
public sealed record StoreVerification(string Folder, int Pages, long Bytes, IReadOnlyList<StoreDamage> Damage)
{
    /// <summary>Whether every byte is what was written.</summary>
    public bool IsSound => Damage.Count == 0;

    /// <summary>Throws for the first damage.</summary>
    /// <exception cref="StoreCorruptedException">Something is damaged.</exception>
    public void ThrowIfDamaged()
    {
        if (Damage is [var first, ..])
            throw new StoreCorruptedException(Path.Combine(Folder, first.File), first.Page, first.Expected, first.Found);
    }
}
