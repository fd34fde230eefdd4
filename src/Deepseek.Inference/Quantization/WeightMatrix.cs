using System.Globalization;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>A weight matrix, [rows, columns] = [outputs, inputs], kept in its stored type and widened to fp32 where it is used.</summary>
/// <remarks>Immutable after construction; every member may be called from several threads at once.</remarks>
internal abstract unsafe class WeightMatrix : IDisposable
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

    /// <summary>Writes consecutive rows in fp32, without tensors and without allocation; the bits are those of <see cref="Widen(long, long)"/>.</summary>
    /// <param name="first">First row, any.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="destination">Receives [count × columns], on the host.</param>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such rows.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="destination"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The weights do not lie in the host's memory.</exception>
    public void WidenRows(long first, int count, float* destination)
    {
        RequireRows(first, count);
        if (count == 0)
            return;
        ArgumentNullException.ThrowIfNull(destination);
        WidenRowsOnHost(first, count, destination);
        GC.KeepAlive(this); // its memory was read through pointers
    }

    /// <summary>Where a row lies in fp32, with all that follow it, if the host's memory holds it so: then nothing need be widened. Otherwise null.</summary>
    /// <param name="row">The row.</param>
    /// <remarks>Valid as long as the matrix is; not to be written to.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such row.</exception>
    public float* TryAddress(long row)
    {
        RequireRows(row, 1);
        return AddressOfRow(row);
    }

    /// <summary>Multiplies a few tokens with rows as they are stored, without widening them to memory first, where there is a kernel for it: y[t, r] = Σ x[t, c] · w[first + r, c].</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="first">First row.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="x">The activations, [tokens × columns].</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="y">Receives the outputs, [tokens × rows].</param>
    /// <param name="stride">Elements from one token's outputs to the next one's.</param>
    /// <returns>Whether it has; otherwise the outputs are undefined. The bits are those of <see cref="FloatProducts"/> over widened rows.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such rows.</exception>
    public bool TryMultiply(KernelPath path, long first, int rows, float* x, int tokens, float* y, long stride)
    {
        RequireRows(first, rows);
        var done = MultiplyStored(path, first, rows, x, tokens, y, stride);
        GC.KeepAlive(this);
        return done;
    }

    /// <inheritdoc />
    public abstract void Dispose();

    /// <inheritdoc cref="TryMultiply"/>
    protected virtual bool MultiplyStored(KernelPath path, long first, int rows, float* x, int tokens, float* y, long stride) => false;

    /// <summary>Writes rows that the matrix has.</summary>
    protected abstract void WidenRowsOnHost(long first, int count, float* destination);

    /// <inheritdoc cref="TryAddress"/>
    protected virtual float* AddressOfRow(long row) => null;

    /// <summary>Rows as a tensor of the host, [count, columns], by way of <see cref="WidenRows"/>.</summary>
    protected Tensor WidenOnHost(long first, long count)
    {
        var weights = empty(count, Columns, ScalarType.Float32);
        WidenRows(first, checked((int)count), (float*)weights.Address());
        return weights;
    }

    /// <summary>Chosen rows as a tensor of the host, [N, columns], by way of <see cref="WidenRows"/>.</summary>
    protected Tensor GatherOnHost(Tensor rows)
    {
        var chosen = rows.ToArray<long>();
        var weights = empty(chosen.Length, Columns, ScalarType.Float32);
        for (var i = 0; i < chosen.Length; i++)
            WidenRows(chosen[i], 1, (float*)weights.Address() + (i * Columns));
        return weights;
    }

    /// <summary>What weights on another device answer.</summary>
    protected InvalidOperationException NotOnHost() => new($"The weights of {(Name.Length > 0 ? Name : "the matrix")} do not lie in the host's memory, where alone rows can be widened; use {nameof(Widen)}.");

    /// <summary>Refuses rows that the matrix does not have.</summary>
    protected void RequireRows(long first, int count)
    {
        if (first < 0 || first > Rows)
            throw new ArgumentOutOfRangeException(nameof(first), first, string.Create(CultureInfo.InvariantCulture, $"The matrix has {Rows} rows, counted from 0."));
        if (count < 0 || count > Rows - first)
            throw new ArgumentOutOfRangeException(nameof(count), count, string.Create(CultureInfo.InvariantCulture, $"The matrix has {Rows} rows, of which {Rows - first} are left from row {first} on."));
    }
}
