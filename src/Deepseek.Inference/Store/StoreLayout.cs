using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>Everything about a store but what its pages hold: which follows from a model and from options alone.</summary>
/// <param name="Model">The model's configuration, UTF-8 JSON.</param>
/// <param name="Calibration">A checksum of the column energies that weighted the errors; null for none.</param>
/// <param name="Shards">The files with weights.</param>
/// <param name="Tensors">The tensors that every token uses, in the order in which a forward pass touches them.</param>
/// <param name="Experts">Where the routed experts lie.</param>
internal sealed record StoreLayout(
    ReadOnlyMemory<byte> Model, string? Calibration, IReadOnlyList<ShardLayout> Shards, IReadOnlyList<StoredTensor> Tensors, IReadOnlyList<StoredExperts> Experts)
{
    /// <summary>Bytes of all shards.</summary>
    public long ByteLength => Shards.Sum(shard => shard.Length);
}

/// <summary>A shard: a safetensors file, cut into pages without gaps, each with a checksum of its own.</summary>
/// <param name="File">The file's name.</param>
/// <param name="PageLengths">Bytes of every page; the first one is the header.</param>
internal sealed record ShardLayout(string File, IReadOnlyList<int> PageLengths)
{
    /// <summary>First byte of every page, and the file's length.</summary>
    public IReadOnlyList<long> PageOffsets { get; } = Offsets(PageLengths);

    /// <summary>The file's length.</summary>
    public long Length => PageOffsets[^1];

    private static long[] Offsets(IReadOnlyList<int> lengths)
    {
        var offsets = new long[lengths.Count + 1];
        for (var page = 0; page < lengths.Count; page++)
            offsets[page + 1] = offsets[page] + lengths[page];
        return offsets;
    }
}

/// <summary>A tensor that every token uses.</summary>
/// <param name="Name">Its name in the checkpoint.</param>
/// <param name="Precision">How a matrix is laid out; null for a plain tensor, which lies as in any safetensors file.</param>
/// <param name="Type">The elements' type of a plain tensor.</param>
/// <param name="Shape">[rows, columns] or [length].</param>
/// <param name="Shard">The shard's place in <see cref="StoreLayout.Shards"/>.</param>
/// <param name="Offset">First byte in the shard, a multiple of <see cref="BandLayout.LineBytes"/>.</param>
/// <param name="Length">Bytes, without padding.</param>
internal sealed record StoredTensor(string Name, StorePrecision? Precision, TensorType Type, IReadOnlyList<long> Shape, int Shard, long Offset, long Length)
{
    /// <summary>The layout of a matrix.</summary>
    public BandLayout Layout => new(Precision!.Value.Layout(), (int)Shape[0], (int)Shape[1]);
}

/// <summary>Consecutive experts of a layer, one record each, one page a record.</summary>
/// <param name="Layer">The layer, as in the checkpoint's names.</param>
/// <param name="First">The first expert.</param>
/// <param name="Count">How many experts.</param>
/// <param name="Precision">How their matrices are laid out.</param>
/// <param name="Inner">I: rows of gate and up.</param>
/// <param name="Hidden">D: columns of gate and up.</param>
/// <param name="Shard">The shard's place in <see cref="StoreLayout.Shards"/>.</param>
/// <param name="FirstPage">The page of the first expert.</param>
internal sealed record StoredExperts(int Layer, int First, int Count, StorePrecision Precision, int Inner, int Hidden, int Shard, int FirstPage)
{
    /// <summary>The layout of a record.</summary>
    public ExpertRecordLayout Record { get; } = new(Precision.Layout(), Inner, Hidden);
}
