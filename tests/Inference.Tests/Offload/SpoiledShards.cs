using System.Buffers;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>Shards whose reads a test may delay, damage or let fail.</summary>
internal sealed class SpoiledShards(IShardReader shards) : IShardReader
{
    private int _reads;

    /// <summary>Called before every read, with how many there were before: throws, or waits.</summary>
    public Action<int, int, long> Before { get; set; } = (_, _, _) => { };

    /// <summary>Called after every read.</summary>
    public SpanAction<byte, (int Read, int Shard, long Offset)> After { get; set; } = (_, _) => { };

    /// <summary>Reads so far.</summary>
    public int Reads => Volatile.Read(ref _reads);

    public int Disks => shards.Disks;

    public int DiskOf(int shard) => shards.DiskOf(shard);

    public string PathOf(int shard) => shards.PathOf(shard);

    public void Read(int shard, long offset, Span<byte> destination)
    {
        var read = Interlocked.Increment(ref _reads) - 1;
        Before(read, shard, offset);
        shards.Read(shard, offset, destination);
        After(destination, (read, shard, offset));
    }

    public void Dispose() => shards.Dispose();
}
