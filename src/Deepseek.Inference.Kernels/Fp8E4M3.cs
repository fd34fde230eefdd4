using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>The 8-bit float with 4 exponent and 3 mantissa bits in which DeepSeek publishes weights (e4m3fn).</summary>
/// <remarks>
/// "FP8 Formats for Deep Learning", arXiv:2209.05433, §3: bias 7, subnormals, largest value 448, no infinities, NaN where all
/// bits but the sign are set. Every path returns the same bits, except which NaN comes of a NaN code times a NaN scale.
/// </remarks>
public static partial class Fp8E4M3
{
    /// <summary>The largest finite value.</summary>
    public const float MaxValue = 448;

    /// <summary>Decodes codes to single precision; every code's value is exact.</summary>
    /// <param name="codes">The codes, [n].</param>
    /// <param name="destination">Receives n values.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Decode(ReadOnlySpan<byte> codes, Span<float> destination) => Decode(codes, 1f, destination);

    /// <summary>Decodes codes that share one scale: value = code × scale, rounded once.</summary>
    /// <param name="codes">The codes, [n].</param>
    /// <param name="scale">The factor of all values.</param>
    /// <param name="destination">Receives n values.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Decode(ReadOnlySpan<byte> codes, float scale, Span<float> destination)
    {
        Lengths.Require(nameof(destination), destination.Length, codes.Length);
        Decode(KernelPaths.Selected, codes, scale, destination);
    }

    /// <summary>Decodes a matrix whose rectangular blocks each have a scale; blocks at the right and lower edge may be partial.</summary>
    /// <param name="codes">The codes, [rows, columns], row-major.</param>
    /// <param name="rows">Rows of the matrix.</param>
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="scales">The factors of the blocks, [⌈rows/blockRows⌉, ⌈columns/blockColumns⌉]: a checkpoint's <c>weight_scale_inv</c>.</param>
    /// <param name="blockRows">Rows of a block, 128 as published.</param>
    /// <param name="blockColumns">Columns of a block, 128 as published.</param>
    /// <param name="destination">Receives the values, [rows, columns].</param>
    /// <remarks>deepseek-ai/DeepSeek-V3@9b4e978 inference/kernel.py, weight_dequant: the stored "inverse" is multiplied with.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or a block's size not positive.</exception>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    public static void DecodeBlocks(
        ReadOnlySpan<byte> codes, int rows, int columns, ReadOnlySpan<float> scales, int blockRows, int blockColumns, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockRows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockColumns);
        var across = Lengths.CeilDiv(columns, blockColumns);
        Lengths.Require(nameof(codes), codes.Length, (long)rows * columns);
        Lengths.Require(nameof(scales), scales.Length, Lengths.CeilDiv(rows, blockRows) * across);
        Lengths.Require(nameof(destination), destination.Length, codes.Length);

        var path = KernelPaths.Selected;
        for (var row = 0; row < rows; row++)
        {
            var rowScales = scales.Slice((int)(row / blockRows * across), (int)across);
            for (var block = 0; block < rowScales.Length; block++)
            {
                var begin = block * blockColumns;
                var at = row * columns + begin;
                var count = Math.Min(blockColumns, columns - begin);
                Decode(path, codes.Slice(at, count), rowScales[block], destination.Slice(at, count));
            }
        }
    }

    /// <summary>Encodes single precision: to the nearest value, ties to even, beyond ±448 to ±448; NaN stays NaN.</summary>
    /// <param name="values">The values, [n].</param>
    /// <param name="destination">Receives n codes.</param>
    /// <remarks>Saturation, infinities included, as arXiv:2209.05433 §3 recommends for conversion; a cast in PyTorch gives NaN beyond 464.</remarks>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Encode(ReadOnlySpan<float> values, Span<byte> destination)
    {
        Lengths.Require(nameof(destination), destination.Length, values.Length);
        Encode(KernelPaths.Selected, values, destination);
    }

    internal static void Decode(KernelPath path, ReadOnlySpan<byte> codes, float scale, Span<float> destination)
    {
        ref var from = ref MemoryMarshal.GetReference(codes);
        ref var to = ref MemoryMarshal.GetReference(destination);
        var done = path switch
        {
            >= KernelPath.Avx512 => DecodeAvx512(ref from, codes.Length, scale, ref to),
            KernelPath.Avx2 => DecodeAvx2(ref from, codes.Length, scale, ref to),
            KernelPath.Vector128 => DecodeVector128(ref from, codes.Length, scale, ref to),
            _ => 0,
        };
        DecodeScalar(codes[done..], scale, destination[done..]);
    }

    internal static void Encode(KernelPath path, ReadOnlySpan<float> values, Span<byte> destination)
    {
        ref var from = ref MemoryMarshal.GetReference(values);
        ref var to = ref MemoryMarshal.GetReference(destination);
        var done = path switch
        {
            >= KernelPath.Avx512 => EncodeAvx512(ref from, values.Length, ref to),
            KernelPath.Avx2 => EncodeAvx2(ref from, values.Length, ref to),
            KernelPath.Vector128 => EncodeVector128(ref from, values.Length, ref to),
            _ => 0,
        };
        EncodeScalar(values[done..], destination[done..]);
    }
}
