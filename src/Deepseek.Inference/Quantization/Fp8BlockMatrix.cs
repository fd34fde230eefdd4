using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>A weight matrix of e4m3 codes with one scale for every block, as DeepSeek-V3 is published: weight = code · scale.</summary>
/// <remarks>
/// deepseek-ai/DeepSeek-V3@9b4e978 inference/kernel.py (weight_dequant). Blocks at the lower and right edges may be partial.
/// libtorch widens FP8 on a CPU one element at a time, at some 10 million a second: there the kernel does it. Both give the same bits.
/// </remarks>
internal sealed unsafe class Fp8BlockMatrix : WeightMatrix
{
    private readonly Tensor _codes; // [rows, columns], e4m3
    private readonly Tensor _scales; // [⌈rows / block rows⌉, ⌈columns / block columns⌉], fp32
    private readonly float[] _hostScales;
    private readonly int _blockRows;
    private readonly int _blockColumns;
    private readonly nint _address; // of the codes on a CPU, else 0

    /// <summary>Takes ownership of both tensors.</summary>
    public Fp8BlockMatrix(Tensor codes, Tensor scales, int blockRows, int blockColumns)
        : base(codes.shape[0], codes.shape[1])
    {
        (_codes, _scales, _blockRows, _blockColumns) = (codes, scales, blockRows, blockColumns);
        ByteSize = (Rows * Columns) + (4 * scales.numel());
        _hostScales = scales.ToArray<float>();
        _address = codes.device_type == DeviceType.CPU ? codes.Address() : 0;
    }

    public override long ByteSize { get; }

    public override int RowAlignment => _blockRows;

    /// <summary>Blocks of a row.</summary>
    private int Across => ((int)Columns + _blockColumns - 1) / _blockColumns;

    public override Tensor Widen(long first, long count) => _address == 0 ? WidenByTorch(first, count) : WidenOnHost(first, count);

    public override Tensor Gather(Tensor rows)
    {
        using var scope = NewDisposeScope();
        var weights = _codes.index_select(0, rows).to(ScalarType.Float32);
        Scale(weights, _scales.index_select(0, tensor(Array.ConvertAll(rows.ToArray<long>(), row => row / _blockRows), device: rows.device)));
        return weights.MoveToOuterDisposeScope();
    }

    public override void Dispose()
    {
        _codes.Dispose();
        _scales.Dispose();
    }

    /// <summary>In plain tensors, on any device: the definition.</summary>
    internal Tensor WidenByTorch(long first, long count)
    {
        using var scope = NewDisposeScope();
        var weights = _codes.narrow(0, first, count).to(ScalarType.Float32); // [count, columns]
        var blocks = _scales.narrow(0, first / _blockRows, (count + _blockRows - 1) / _blockRows);
        Scale(weights, blocks.repeat_interleave(_blockRows, 0).narrow(0, 0, count));
        return weights.MoveToOuterDisposeScope();
    }

    protected override bool MultiplyStored(KernelPath path, long first, int rows, float* x, int tokens, float* y, long stride)
    {
        var columns = (int)Columns;
        if (_address == 0 || !StoredProducts.Supports(path, columns, _blockColumns, tokens))
            return false;

        fixed (float* scales = _hostScales)
        {
            // Rows of one row of blocks at a time.
            for (var row = first; row < first + rows;)
            {
                var some = (int)Math.Min(_blockRows - (row % _blockRows), first + rows - row);
                var weights = (byte*)_address + (row * columns);
                if (!StoredProducts.Multiply<Fp8Form>(weights, scales + (row / _blockRows * Across), _blockColumns, some, columns, x, columns, tokens, y + (row - first), stride))
                    return false;
                row += some;
            }
        }

        return true;
    }

    protected override void WidenRowsOnHost(long first, int count, float* destination)
    {
        if (_address == 0)
            throw NotOnHost();

        var columns = (int)Columns;
        for (var row = first; row < first + count; row++, destination += columns)
        {
            Fp8E4M3.DecodeBlocks(
                new ReadOnlySpan<byte>((byte*)_address + (row * columns), columns), 1, columns, _hostScales.AsSpan((int)(row / _blockRows) * Across, Across), _blockRows, _blockColumns,
                new Span<float>(destination, columns));
        }
    }

    /// <summary>Multiplies each row's blocks by its scales, [N, ⌈columns / block columns⌉].</summary>
    private void Scale(Tensor weights, Tensor scales)
    {
        var (n, whole) = (weights.shape[0], Columns / _blockColumns);
        if (whole > 0)
        {
            weights.narrow(1, 0, whole * _blockColumns)
                .unflatten(1, [whole, _blockColumns])
                .mul_(scales.narrow(1, 0, whole).view(n, whole, 1));
        }

        if (whole * _blockColumns < Columns)
            weights.narrow(1, whole * _blockColumns, Columns - (whole * _blockColumns)).mul_(scales.narrow(1, whole, 1));
    }
}
