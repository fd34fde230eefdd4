using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>A weight matrix, [rows, columns] = [outputs, inputs], kept in its stored type and widened to fp32 where it is used.</summary>
/// <remarks>Immutable after construction; every member may be called from several threads at once.</remarks>
internal abstract class WeightMatrix : IDisposable
{
    protected WeightMatrix(long rows, long columns)
    {
        Rows = rows;
        Columns = columns;
    }

    /// <summary>The weight's name in its checkpoint; empty where it comes from none.</summary>
    public string Name { get; init; } = "";

    /// <summary>Outputs.</summary>
    public long Rows { get; }

    /// <summary>Inputs.</summary>
    public long Columns { get; }

    /// <summary>Bytes of the stored form, scales included.</summary>
    public abstract long ByteSize { get; }

    /// <summary>Rows of a slice must begin at a multiple of this; 1 where rows are independent.</summary>
    public virtual int RowAlignment => 1;

    /// <summary>Consecutive rows in fp32, [count, columns]; the caller disposes the result, which may share the stored memory.</summary>
    /// <param name="first">First row, a multiple of <see cref="RowAlignment"/>.</param>
    /// <param name="count">How many rows.</param>
    public abstract Tensor Widen(long first, long count);

    /// <summary>Chosen rows in fp32, [N, columns].</summary>
    /// <param name="rows">Row numbers, int64 [N], on the matrix's device.</param>
    public abstract Tensor Gather(Tensor rows);

    /// <summary>The whole matrix in fp32, [rows, columns].</summary>
    public Tensor Widen() => Widen(0, Rows);

    /// <inheritdoc />
    public abstract void Dispose();
}
