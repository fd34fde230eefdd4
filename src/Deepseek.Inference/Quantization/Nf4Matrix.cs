using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>A weight matrix in NF4: blocks of the flattened matrix, as bitsandbytes lays them out.</summary>
/// <remarks>On a CPU the kernel widens; elsewhere plain tensors do, with the same bits.</remarks>
internal sealed unsafe class Nf4Matrix : WeightMatrix
{
    private readonly Tensor _codes; // bytes, [⌈rows · columns / 2⌉, 1]
    private readonly Nf4Scales _scales;
    private readonly int _blockSize;
    private readonly nint _address; // of the codes on a CPU, else 0

    /// <summary>Takes ownership of the codes.</summary>
    public Nf4Matrix(Tensor codes, Nf4Scales scales, int blockSize, long rows, long columns)
        : base(rows, columns)
    {
        (_codes, _scales, _blockSize) = (codes, scales, blockSize);
        ByteSize = codes.numel() + scales.ByteSize;
        _address = codes.device_type == DeviceType.CPU ? codes.Address() : 0;
        RowAlignment = Nf4Blocks.RowAlignment(blockSize, columns);
    }

    public override long ByteSize { get; }

    /// <summary>Rows after which a block ends with a row.</summary>
    public override int RowAlignment { get; }

    public override Tensor Widen(long first, long count) => _address == 0 ? WidenByTorch(first, count) : WidenOnHost(first, count);

    public override Tensor Gather(Tensor rows)
    {
        if (_address != 0)
            return GatherOnHost(rows);

        using var scope = NewDisposeScope();
        var gathered = rows.ToArray<long>().Select(row =>
        {
            var aligned = row / RowAlignment * RowAlignment;
            return Widen(aligned, Math.Min(RowAlignment, Rows - aligned)).narrow(0, row - aligned, 1);
        });
        return cat([.. gathered]).MoveToOuterDisposeScope();
    }

    public override void Dispose() => _codes.Dispose();

    /// <summary>In plain tensors, on any device: the definition.</summary>
    internal Tensor WidenByTorch(long first, long count)
    {
        using var scope = NewDisposeScope();
        var (start, length) = (first * Columns, count * Columns);
        var bytes = _codes.narrow(0, start / 2, (length + 1) / 2).flatten().to(ScalarType.Int64);
        var codes = stack([bytes.bitwise_right_shift(4), bytes.bitwise_and(15)], 1).flatten(); // the earlier code in the high nibble
        var levels = tensor(Nf4.Levels.ToArray(), device: _codes.device).index_select(0, codes).narrow(0, 0, length);
        var scales = tensor(Scales(start, length), device: _codes.device).repeat_interleave(_blockSize).narrow(0, 0, length);
        return levels.mul_(scales).view(count, Columns).MoveToOuterDisposeScope();
    }

    protected override void WidenRowsOnHost(long first, int count, float* destination)
    {
        if (_address == 0)
            throw NotOnHost();

        const int blocks = 256; // whose scales are decoded at once, on the stack
        Span<float> scales = stackalloc float[blocks];
        var (at, end) = (first * Columns, (first + count) * Columns);
        while (at < end)
        {
            var block = at / _blockSize;
            var some = scales[..(int)Math.Min(blocks, ((end + _blockSize - 1) / _blockSize) - block)];
            _scales.Decode((int)block, some);
            foreach (var scale in some)
            {
                var part = (int)(Math.Min(end, ++block * _blockSize) - at);
                DecodeWithin(at, scale, new Span<float>(destination, part));
                at += part;
                destination += part;
            }
        }
    }

    /// <summary>Decodes consecutive weights of one block; rows of an odd number of columns may begin in the middle of a byte.</summary>
    private void DecodeWithin(long first, float scale, Span<float> destination)
    {
        var codes = (byte*)_address + (first / 2);
        if (first % 2 != 0)
        {
            destination[0] = Nf4.Levels[*codes++ & 0xF] * scale;
            destination = destination[1..];
        }

        Nf4.DecodeBlock(KernelPaths.Selected, new ReadOnlySpan<byte>(codes, (destination.Length + 1) / 2), scale, destination);
    }

    private float[] Scales(long start, long length)
    {
        var scales = new float[(length + _blockSize - 1) / _blockSize];
        _scales.Decode((int)(start / _blockSize), scales);
        return scales;
    }
}
