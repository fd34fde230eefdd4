using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>A weight matrix stored as F64, F32, F16 or BF16, or as FP8 without scales.</summary>
internal sealed class FloatMatrix : WeightMatrix
{
    private readonly Tensor _stored; // [rows, columns]

    /// <summary>Takes ownership of the tensor.</summary>
    public FloatMatrix(Tensor stored)
        : base(stored.shape[0], stored.shape[1])
    {
        _stored = stored;
        ByteSize = Rows * Columns * stored.element_size();
    }

    public override long ByteSize { get; }

    public override Tensor Widen(long first, long count)
    {
        var rows = _stored.narrow(0, first, count);
        if (rows.dtype == ScalarType.Float32)
            return rows;
        using (rows)
            return rows.to(ScalarType.Float32);
    }

    public override Tensor Gather(Tensor rows)
    {
        using var chosen = _stored.index_select(0, rows);
        return chosen.to(ScalarType.Float32, copy: true);
    }

    public override void Dispose() => _stored.Dispose();
}
