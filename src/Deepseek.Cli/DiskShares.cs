using Deepseek.Inference.Planning;
using Deepseek.Inference.Store;

namespace Deepseek.Cli;

/// <summary>Measures the disks that a store is to span.</summary>
internal static class DiskShares
{
    /// <summary>The options with every disk's speed.</summary>
    /// <param name="store">The store's folder.</param>
    /// <param name="options">The options with the other folders.</param>
    /// <param name="cancellationToken">Ends it between two reads.</param>
    public static StoreOptions Measure(string store, StoreOptions options, CancellationToken cancellationToken) => options with
    {
        Speed = Speed(store, cancellationToken),
        Also = [.. options.Also.Select(disk => disk with { Speed = Speed(disk.Folder, cancellationToken) })],
    };

    private static double Speed(string folder, CancellationToken cancellationToken)
    {
        _ = Directory.CreateDirectory(folder); // perhaps a disk of its own is mounted there: so not beside it
        return DiskProbe.Measure(folder, cancellationToken: cancellationToken);
    }
}
