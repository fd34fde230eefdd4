using System.Buffers;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Quantization;

/// <summary>Rows of a checkpoint's matrix in fp32, [count, columns], read piece by piece and without TorchSharp.</summary>
/// <remarks>
/// For converters, whose resident memory must stay small: the file is read, never mapped, through a few hundred KiB a call. The bits are those of
/// <see cref="WeightMatrix.Widen(long, long)"/>. Thread-safe.
/// </remarks>
internal sealed class MatrixRows
{
    private const int PieceBytes = 1 << 18; // fits a core's second cache, and hides the cost of a read

    private readonly ICheckpointSource _source;
    private readonly StoredMatrix _stored;
    private readonly float[] _fp8Scales; // [⌈rows / block rows⌉, ⌈columns / block columns⌉]

    private MatrixRows(ICheckpointSource source, StoredMatrix stored, string name, int rows, int columns)
    {
        (_source, _stored, Name, Rows, Columns) = (source, stored, name, rows, columns);
        _fp8Scales = stored.Fp8 is { } blocks ? new float[blocks.Scales.ElementCount] : [];
        if (stored.Fp8 is not null)
            StoredFloats.Read(source, stored.Fp8.Scales, 0, _fp8Scales);
    }

    /// <summary>The weight's name in the checkpoint.</summary>
    public string Name { get; }

    /// <summary>Outputs.</summary>
    public int Rows { get; }

    /// <summary>Inputs.</summary>
    public int Columns { get; }

    /// <summary>How the weights are kept.</summary>
    public MatrixForm Form => _stored.Form;

    /// <summary>The tensor of the weights, or of their codes.</summary>
    public TensorEntry Entry => _stored.Weights;

    /// <summary>The scales of <see cref="MatrixForm.Nf4"/>; null for other forms.</summary>
    public Nf4Blocks? Nf4Blocks => _stored.Nf4;

    /// <summary>The size of the blocks of <see cref="MatrixForm.Fp8Block"/>; null for other forms.</summary>
    public (int Rows, int Columns)? Fp8BlockSize => _stored.Fp8 is { } blocks ? (blocks.Rows, blocks.Columns) : null;

    /// <summary>Finds a matrix, checks names, types and shapes, and reads the scales of blocks.</summary>
    /// <param name="source">The checkpoint; lives as long as this.</param>
    /// <param name="config">The checkpoint's configuration.</param>
    /// <param name="name">The weight.</param>
    /// <param name="rows">Rows that the configuration asks for.</param>
    /// <param name="columns">Columns that the configuration asks for.</param>
    /// <exception cref="CheckpointFormatException">A tensor is missing or at fault.</exception>
    public static MatrixRows Open(ICheckpointSource source, ModelConfig config, string name, long rows, long columns) =>
        new(source, StoredMatrix.Describe(source, config, name, rows, columns), name, checked((int)rows), checked((int)columns));

    /// <summary>Reads consecutive rows.</summary>
    /// <param name="first">First row; any.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="destination">Receives [count, columns] weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">The rows leave the matrix.</exception>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void Read(int first, int count, Span<float> destination)
    {
        RequireRows(first, count);
        RequireLength(nameof(destination), destination.Length, (long)count * Columns);
        switch (Form)
        {
            case MatrixForm.Nf4:
                ReadNf4((long)first * Columns, destination);
                break;
            case MatrixForm.Fp8Block:
                ReadFp8Blocks(first, count, destination);
                break;
            default:
                StoredFloats.Read(_source, Entry, (long)first * Columns, destination);
                break;
        }
    }

    /// <summary>Reads the codes of consecutive rows of one block row of an FP8 matrix, and that block row's scales.</summary>
    /// <param name="first">First row.</param>
    /// <param name="count">How many rows; all within one row of blocks.</param>
    /// <param name="codes">Receives [count, columns] e4m3 codes.</param>
    /// <param name="scales">Receives [⌈columns / block columns⌉] scales.</param>
    /// <exception cref="InvalidOperationException">The form is another than <see cref="MatrixForm.Fp8Block"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The rows leave the matrix or their row of blocks.</exception>
    /// <exception cref="ArgumentException">A destination has another length.</exception>
    public void ReadFp8(int first, int count, Span<byte> codes, Span<float> scales)
    {
        if (_stored.Fp8 is not { } blocks)
            throw new InvalidOperationException($"{Name} is {Form}; codes with block scales are those of {MatrixForm.Fp8Block} alone.");
        RequireRows(first, count);
        if (first % blocks.Rows + (long)count > blocks.Rows)
            throw new ArgumentOutOfRangeException(nameof(count), count, FormattableString.Invariant($"Rows {first} to {first + count - 1} must lie in one row of blocks, of {blocks.Rows} rows."));
        RequireLength(nameof(codes), codes.Length, (long)count * Columns);
        var own = BlockRowScales(first);
        RequireLength(nameof(scales), scales.Length, own.Length);

        _source.Read(Entry, (long)first * Columns, codes);
        own.CopyTo(scales);
    }

    /// <summary>Reads the codes of consecutive rows of an NF4 matrix, two a byte.</summary>
    /// <param name="first">First row; its first weight is an even one of the flattened matrix.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="codes">Receives [⌈count · columns / 2⌉] bytes, the earlier code in the high nibble.</param>
    /// <exception cref="InvalidOperationException">The form is another than <see cref="MatrixForm.Nf4"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The rows leave the matrix, or begin in the middle of a byte.</exception>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void ReadNf4(int first, int count, Span<byte> codes)
    {
        if (Form != MatrixForm.Nf4)
            throw new InvalidOperationException($"{Name} is {Form}; codes of NF4 are those of {MatrixForm.Nf4} alone.");
        RequireRows(first, count);
        var start = (long)first * Columns;
        if ((start & 1) != 0)
            throw new ArgumentOutOfRangeException(nameof(first), first, FormattableString.Invariant($"With {Columns} columns the row begins in the middle of a byte; it must be an even one."));
        RequireLength(nameof(codes), codes.Length, (((long)count * Columns) + 1) / 2);
        _source.Read(Entry, start / 2, codes);
    }

    private void ReadFp8Blocks(int first, int count, Span<float> destination)
    {
        var blocks = _stored.Fp8!;
        var step = Math.Max(1, PieceBytes / Columns);
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(step, count) * Columns);
        for (var row = first; row < first + count;)
        {
            var rows = Math.Min(Math.Min(step, first + count - row), blocks.Rows - (row % blocks.Rows));
            var codes = buffer.AsSpan(0, rows * Columns);
            _source.Read(Entry, (long)row * Columns, codes);
            Fp8E4M3.DecodeBlocks(codes, rows, Columns, BlockRowScales(row), blocks.Rows, blocks.Columns, destination.Slice((row - first) * Columns, codes.Length));
            row += rows;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private ReadOnlySpan<float> BlockRowScales(int row)
    {
        var across = (Columns + _stored.Fp8!.Columns - 1) / _stored.Fp8.Columns;
        return _fp8Scales.AsSpan(row / _stored.Fp8.Rows * across, across);
    }

    /// <summary>Weights from any element of the flattened matrix on: blocks, and with an odd number of columns bytes too, may cross rows.</summary>
    private void ReadNf4(long start, Span<float> destination)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes / 8);
        for (var done = 0; done < destination.Length;)
        {
            var at = start + done;
            var count = (int)Math.Min(destination.Length - done, (2L * buffer.Length) - (at & 1));
            var codes = buffer.AsSpan(0, (int)(((at & 1) + count + 1) / 2));
            _source.Read(Entry, at / 2, codes);
            DecodeNf4(codes, at, destination.Slice(done, count));
            done += count;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void DecodeNf4(ReadOnlySpan<byte> codes, long at, Span<float> destination)
    {
        var (size, scales) = _stored.Nf4!;
        Span<float> scale = stackalloc float[1];
        while (!destination.IsEmpty)
        {
            var count = (int)Math.Min(destination.Length, size - (at % size));
            scales.Decode((int)(at / size), scale);
            if ((at & 1) != 0)
            {
                destination[0] = Nf4.Levels[codes[0] & 0xF] * scale[0]; // the later of its byte
                count = 1;
                codes = codes[1..];
            }
            else
            {
                Nf4.Decode(codes[..((count + 1) / 2)], scale, size, destination[..count]);
                codes = codes[(count / 2)..];
            }

            at += count;
            destination = destination[count..];
        }
    }

    private void RequireRows(int first, int count)
    {
        if (first < 0 || first > Rows)
            throw new ArgumentOutOfRangeException(nameof(first), first, FormattableString.Invariant($"The first row must be 0 to {Rows}, the rows of {Name}."));
        if (count < 0 || count > Rows - first)
            throw new ArgumentOutOfRangeException(nameof(count), count, FormattableString.Invariant($"From row {first} on, {Name} has {Rows - first} rows."));
    }

    private static void RequireLength(string name, int length, long expected)
    {
        if (length != expected)
            throw new ArgumentException(FormattableString.Invariant($"{name} has {length} elements; it must have {expected}, to fit the rows asked for."), name);
    }
}
