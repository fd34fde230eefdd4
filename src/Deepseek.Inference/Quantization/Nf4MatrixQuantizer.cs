using System.Buffers;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Quantization;

/// <summary>Quantizes a checkpoint's matrix to NF4 with quantized scales, without ever holding it in memory.</summary>
/// <remarks>
/// <para>The bits are those of <see cref="Nf4Quantizer.Quantize"/> of the whole matrix. They take two passes over the file: what all scales share follows from every block, and each
/// block's codes from that. A pass holds a slice of 1 MiB a core; the first also four bytes a block.</para>
/// <para>A matrix that is NF4 with blocks of the same size and quantized scales keeps its own bits.</para>
/// </remarks>
internal sealed class Nf4MatrixQuantizer
{
    private const int SliceWeights = 1 << 18;

    private readonly MatrixRows _rows;
    private readonly Nf4Options _options;
    private readonly Nf4ScaleGroups _groups;
    private readonly byte[]? _storedScaleCodes; // where the matrix is NF4 already

    private Nf4MatrixQuantizer(MatrixRows rows, Nf4Options options, Nf4ScaleGroups groups, byte[]? storedScaleCodes)
    {
        (_rows, _options, _groups, _storedScaleCodes) = (rows, options, groups, storedScaleCodes);
        (RowAlignment, SliceRows) = Slices(rows, options.BlockSize);
        BlockCount = Blocks(rows, options.BlockSize);
    }

    /// <summary>The mean of all scales, which was subtracted from them.</summary>
    public float Offset => _groups.Offset;

    /// <summary>One a group of 256 blocks.</summary>
    public float[] GroupScales => _groups.Scales;

    /// <summary>Blocks of the flattened matrix.</summary>
    public int BlockCount { get; }

    /// <summary>Rows after which a block ends with a row: 1 where a row is a multiple of a block.</summary>
    public int RowAlignment { get; }

    /// <summary>Rows that one core takes at a time, a multiple of <see cref="RowAlignment"/>.</summary>
    public int SliceRows { get; }

    /// <summary>The first pass: what all scales share. Works on all cores.</summary>
    /// <param name="rows">The matrix.</param>
    /// <param name="options">Block size and mode; scales must be quantized in turn.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    /// <exception cref="ArgumentException">The options are at fault.</exception>
    /// <exception cref="CheckpointFormatException">A weight is not finite, or weights are so large that the mean of their scales is not.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public static Nf4MatrixQuantizer Prepare(MatrixRows rows, Nf4Options options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate([rows.Rows, rows.Columns]);
        if (!options.DoubleQuantization)
            throw new ArgumentException($"{nameof(Nf4Options.DoubleQuantization)} is false; a matrix that is quantized slice by slice has quantized scales.", nameof(options));
        if (rows.Nf4Blocks is { Scales: Nf4QuantizedScales stored } blocks && blocks.Size == options.BlockSize)
            return new Nf4MatrixQuantizer(rows, options, new Nf4ScaleGroups(stored.Offset, stored.GroupScales), stored.Codes);

        var groups = Nf4ScaleGroups.Of(Magnitudes(rows, options.BlockSize, cancellationToken));
        return float.IsFinite(groups.Offset)
            ? new Nf4MatrixQuantizer(rows, options, groups, null)
            : throw new CheckpointFormatException(rows.Entry.File, rows.Name, "the largest magnitudes of its blocks have no finite mean; NF4 needs smaller weights.");
    }

    /// <summary>The second pass over some rows. Thread-safe.</summary>
    /// <param name="first">First row, a multiple of <see cref="RowAlignment"/>.</param>
    /// <param name="count">How many rows: up to the matrix's end, or a multiple of <see cref="RowAlignment"/>.</param>
    /// <param name="codes">Receives two codes a byte, the earlier in the high nibble: [⌈count · columns / 2⌉].</param>
    /// <param name="scaleCodes">Receives a code a block: [⌈count · columns / block size⌉].</param>
    /// <exception cref="ArgumentOutOfRangeException">The rows leave the matrix, or do not begin and end with a block.</exception>
    /// <exception cref="ArgumentException">A destination has another length.</exception>
    public void Encode(int first, int count, Span<byte> codes, Span<byte> scaleCodes)
    {
        RequireBlocks(first, count);
        RequireLength(nameof(codes), codes.Length, CodeBytes(count));
        RequireLength(nameof(scaleCodes), scaleCodes.Length, ScaleBytes(count));
        if (_storedScaleCodes is not null)
        {
            _rows.ReadNf4(first, count, codes);
            _storedScaleCodes.AsSpan(FirstBlock(first), scaleCodes.Length).CopyTo(scaleCodes);
            return;
        }

        var encoder = new Nf4BlockEncoder(_options, _groups);
        var buffer = ArrayPool<float>.Shared.Rent(checked(Math.Min(count, SliceRows) * _rows.Columns));
        for (var done = 0; done < count; done += SliceRows)
        {
            var part = Math.Min(SliceRows, count - done);
            var weights = buffer.AsSpan(0, part * _rows.Columns);
            _rows.Read(first + done, part, weights);
            encoder.Encode(
                FirstBlock(first + done), weights,
                codes.Slice((int)((long)done * _rows.Columns / 2), (int)CodeBytes(part)),
                scaleCodes.Slice(FirstBlock(first + done) - FirstBlock(first), (int)ScaleBytes(part)));
        }

        ArrayPool<float>.Shared.Return(buffer);
    }

    /// <summary>The second pass over some rows, on all cores.</summary>
    /// <param name="first">As for one core.</param>
    /// <param name="count">As for one core.</param>
    /// <param name="codes">As for one core.</param>
    /// <param name="scaleCodes">As for one core.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    /// <inheritdoc cref="Encode(int, int, Span{byte}, Span{byte})" path="/exception"/>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public void Encode(int first, int count, Memory<byte> codes, Memory<byte> scaleCodes, CancellationToken cancellationToken)
    {
        RequireBlocks(first, count);
        RequireLength(nameof(codes), codes.Length, CodeBytes(count));
        RequireLength(nameof(scaleCodes), scaleCodes.Length, ScaleBytes(count));
        ParallelRuns.ForEach(count, SliceRows, (start, rows) => Encode(
            first + start, rows,
            codes.Span.Slice((int)((long)start * _rows.Columns / 2), (int)CodeBytes(rows)),
            scaleCodes.Span.Slice(FirstBlock(first + start) - FirstBlock(first), (int)ScaleBytes(rows))), cancellationToken);
    }

    private static float[] Magnitudes(MatrixRows rows, int blockSize, CancellationToken cancellationToken)
    {
        var magnitudes = new float[Blocks(rows, blockSize)];
        var (_, slice) = Slices(rows, blockSize);
        ParallelRuns.ForEach(rows.Rows, slice, (first, count) =>
        {
            var buffer = ArrayPool<float>.Shared.Rent(checked(count * rows.Columns));
            var weights = buffer.AsSpan(0, count * rows.Columns);
            rows.Read(first, count, weights);
            var block = (int)((long)first * rows.Columns / blockSize);
            for (var at = 0; at < weights.Length; at += blockSize)
            {
                var magnitude = Nf4.LargestMagnitude(weights.Slice(at, Math.Min(blockSize, weights.Length - at)));
                if (!float.IsFinite(magnitude))
                    throw new CheckpointFormatException(rows.Entry.File, rows.Name, FormattableString.Invariant($"a weight of row {first + (at / rows.Columns)} or soon after has the magnitude {magnitude}; NF4 needs finite weights."));
                magnitudes[block++] = magnitude;
            }

            ArrayPool<float>.Shared.Return(buffer);
        }, cancellationToken);
        return magnitudes;
    }

    private static int Blocks(MatrixRows rows, int blockSize) => checked((int)((((long)rows.Rows * rows.Columns) + blockSize - 1) / blockSize));

    private static (int Alignment, int Slice) Slices(MatrixRows rows, int blockSize)
    {
        // Beyond the last row nothing needs to be aligned.
        var alignment = Math.Min(Nf4Blocks.RowAlignment(blockSize, rows.Columns), rows.Rows);
        return (alignment, Math.Max(1, SliceWeights / rows.Columns / alignment) * alignment);
    }

    private int FirstBlock(int row) => (int)((long)row * _rows.Columns / _options.BlockSize);

    private long CodeBytes(int rows) => (((long)rows * _rows.Columns) + 1) / 2;

    private long ScaleBytes(int rows) => (((long)rows * _rows.Columns) + _options.BlockSize - 1) / _options.BlockSize;

    private void RequireBlocks(int first, int count)
    {
        if (first < 0 || first > _rows.Rows || first % RowAlignment != 0)
            throw new ArgumentOutOfRangeException(nameof(first), first, FormattableString.Invariant($"The first row of {_rows.Name} must be a multiple of {RowAlignment}, 0 to {_rows.Rows}, so that a block begins with it."));
        if (count < 0 || count > _rows.Rows - first || (first + count < _rows.Rows && count % RowAlignment != 0))
            throw new ArgumentOutOfRangeException(nameof(count), count, FormattableString.Invariant($"From row {first} on, {_rows.Name} has {_rows.Rows - first} rows; fewer must be a multiple of {RowAlignment}, so that a block ends with them."));
    }

    private static void RequireLength(string name, int length, long expected)
    {
        if (length != expected)
            throw new ArgumentException(FormattableString.Invariant($"{name} has {length} elements; it must have {expected}, to fit the rows asked for."), name);
    }
}
