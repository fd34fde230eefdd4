using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>A weight matrix stored as F64, F32, F16 or BF16, or as FP8 without scales.</summary>
internal sealed unsafe class FloatMatrix : WeightMatrix
{
    private readonly Tensor _stored; // [rows, columns]
    private readonly TensorType _type;
    private readonly byte* _address; // of the first weight on a CPU, else null

    /// <summary>Takes ownership of the tensor.</summary>
    public FloatMatrix(Tensor stored)
        : base(stored.shape[0], stored.shape[1])
    {
        _stored = stored;
        _type = stored.dtype.ToTensorType();
        ByteSize = Rows * Columns * stored.element_size();
        if (stored.device_type == TorchSharp.DeviceType.CPU && stored.is_contiguous())
            _address = (byte*)stored.Address() + (stored.storage_offset() * stored.element_size());
    }

    public override long ByteSize { get; }

    public override Tensor Widen(long first, long count)
    {
        // libtorch widens FP8 on a CPU one element at a time, at some 10 million a second.
        if (_address is not null && _type.Size() == 1)
            return WidenOnHost(first, count);
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

    protected override bool MultiplyStored(KernelPath path, long first, int rows, float* x, int tokens, float* y, long stride)
    {
        var columns = (int)Columns;
        if (_address is null || !StoredProducts.Supports(path, columns, columns, tokens))
            return false;

        var weights = _address + (first * columns * _type.Size());
        var scale = 1f;
        return _type switch
        {
            TensorType.BF16 => StoredProducts.Multiply<BFloat16Form>(weights, &scale, columns, rows, columns, x, columns, tokens, y, stride),
            TensorType.F16 => StoredProducts.Multiply<HalfForm>(weights, &scale, columns, rows, columns, x, columns, tokens, y, stride),
            TensorType.F8E4M3 => StoredProducts.Multiply<Fp8Form>(weights, &scale, columns, rows, columns, x, columns, tokens, y, stride),
            _ => false,
        };
    }

    protected override void WidenRowsOnHost(long first, int count, float* destination)
    {
        if (_address is null)
            throw NotOnHost();

        var (columns, bytes) = ((int)Columns, (int)Columns * _type.Size());
        for (var row = first; row < first + count; row++, destination += columns)
            StoredFloats.Decode(_type, new ReadOnlySpan<byte>(_address + (row * bytes), bytes), new Span<float>(destination, columns));
    }

    protected override float* AddressOfRow(long row) => _type == TensorType.F32 && _address is not null ? (float*)_address + (row * Columns) : null;
}
