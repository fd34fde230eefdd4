namespace Deepseek.Inference.Checkpoints;

/// <summary>One tensor of a checkpoint: what its header says, checked.</summary>
/// <param name="Name">The name in the checkpoint.</param>
/// <param name="Type">The stored type of an element.</param>
/// <param name="Shape">Sizes of the dimensions, outermost first; empty for a scalar.</param>
/// <param name="File">The shard's path.</param>
/// <param name="FileOffset">First byte of the data in the shard.</param>
/// <param name="ByteLength">Length of the data; the product of the shape and the element's size.</param>
public sealed record TensorEntry(string Name, TensorType Type, IReadOnlyList<long> Shape, string File, long FileOffset, long ByteLength)
{
    /// <summary>The product of the shape; 1 for a scalar.</summary>
    public long ElementCount => ByteLength / Type.Size();
}
