using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>The 4-bit NormalFloat: sixteen levels, at the quantiles of a normal distribution, and one scale for a block of weights.</summary>
/// <remarks>
/// QLoRA, arXiv:2305.14314, §3 and appendix E. A weight is level · scale. Two codes share a byte, the earlier one in the high nibble, as
/// bitsandbytes@95f9af3 stores them. Every path returns the same bits.
/// </remarks>
public static partial class Nf4
{
    /// <summary>The code of a weight of 0.</summary>
    public const byte ZeroCode = 7;

    /// <summary>What each code stands for, ascending.</summary>
    public static ReadOnlySpan<float> Levels =>
    [
        -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
        -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
        0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
    ];

    /// <summary>Between two levels, in single precision; a value above one takes the higher code, a tie the lower.</summary>
    /// <remarks>
    /// Half the sum of the two levels, rounded as bitsandbytes' code for CPUs rounds it. Its code for CUDA has decimal constants, of which the last
    /// is one unit in the last place lower: a tie there.
    /// </remarks>
    internal static ReadOnlySpan<float> Thresholds => ThresholdTable;

    private static readonly float[] ThresholdTable = [.. Enumerable.Range(0, 15).Select(i => (Levels[i] + Levels[i + 1]) * 0.5f)];

    /// <summary>Of each of 32 equal parts of [−1, 1]: how many thresholds lie below it.</summary>
    private static readonly int[] BelowPart = [.. Enumerable.Range(0, 32).Select(part => ThresholdTable.Count(threshold => threshold < (part / 16f) - 1))];

    /// <summary>Of each part: the threshold within it, or ∞.</summary>
    private static readonly float[] InPart = [.. Enumerable.Range(0, 32).Select(part =>
        ThresholdTable.Where(threshold => (int)((threshold + 1) * 16) == part).DefaultIfEmpty(float.PositiveInfinity).Single())];

    /// <summary>Encodes weights by given scales.</summary>
    /// <param name="values">The weights, [n].</param>
    /// <param name="scales">One scale a block, [⌈n / blockSize⌉], of either sign; a block of scale 0 becomes zeros.</param>
    /// <param name="blockSize">Weights that share a scale, a positive multiple of 16.</param>
    /// <param name="codes">Receives the codes, [⌈n / 2⌉]; the low nibble after the last of an odd number is 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="blockSize"/> is not a positive multiple of 16.</exception>
    /// <exception cref="ArgumentException">A length does not fit n.</exception>
    public static void Encode(ReadOnlySpan<float> values, ReadOnlySpan<float> scales, int blockSize, Span<byte> codes)
    {
        RequireBlockSize(blockSize);
        Lengths.Require(nameof(scales), scales.Length, Lengths.CeilDiv(values.Length, blockSize));
        Lengths.Require(nameof(codes), codes.Length, Lengths.CeilDiv(values.Length, 2));
        var path = KernelPaths.Selected;
        for (var block = 0; block < scales.Length; block++)
        {
            var start = block * blockSize;
            var part = values.Slice(start, Math.Min(blockSize, values.Length - start));
            EncodeBlock(path, part, scales[block], codes.Slice(start / 2, (part.Length + 1) / 2));
        }
    }

    /// <summary>Decodes to single precision: level · scale, rounded once.</summary>
    /// <param name="codes">The codes, [⌈n / 2⌉].</param>
    /// <param name="scales">One scale a block, [⌈n / blockSize⌉].</param>
    /// <param name="blockSize">Weights that share a scale, a positive multiple of 16.</param>
    /// <param name="destination">Receives n weights; its length defines n.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="blockSize"/> is not a positive multiple of 16.</exception>
    /// <exception cref="ArgumentException">A length does not fit n.</exception>
    public static void Decode(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, int blockSize, Span<float> destination)
    {
        RequireBlockSize(blockSize);
        Lengths.Require(nameof(scales), scales.Length, Lengths.CeilDiv(destination.Length, blockSize));
        Lengths.Require(nameof(codes), codes.Length, Lengths.CeilDiv(destination.Length, 2));
        var path = KernelPaths.Selected;
        for (var block = 0; block < scales.Length; block++)
        {
            var start = block * blockSize;
            var part = destination.Slice(start, Math.Min(blockSize, destination.Length - start));
            DecodeBlock(path, codes.Slice(start / 2, (part.Length + 1) / 2), scales[block], part);
        }
    }

    /// <summary>The largest magnitude; 0 of an empty block, NaN and infinite where a weight is.</summary>
    /// <param name="block">The weights.</param>
    public static float LargestMagnitude(ReadOnlySpan<float> block)
    {
        // A float's bits without the sign are in the order of its magnitude, with infinity and NaN at the end.
        var bits = MemoryMarshal.Cast<float, int>(block);
        ref var from = ref MemoryMarshal.GetReference(bits);
        var eight = Vector256<int>.Zero;
        var i = 0;
        for (; i <= bits.Length - Vector256<int>.Count; i += Vector256<int>.Count)
            eight = Vector256.Max(eight, Vector256.LoadUnsafe(ref from, (nuint)i) & Vector256.Create(int.MaxValue));

        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        var largest = Math.Max(four.ToScalar(), four.GetElement(1));
        for (; i < bits.Length; i++)
            largest = Math.Max(largest, bits[i] & int.MaxValue);
        return BitConverter.Int32BitsToSingle(largest);
    }

    internal static void EncodeBlock(KernelPath path, ReadOnlySpan<float> values, float scale, Span<byte> codes)
    {
        // An infinite inverse would make 0 · ∞; such a block is zeros.
        var inverse = 1 / scale;
        if (!float.IsFinite(inverse))
        {
            codes.Fill(ZeroCode << 4 | ZeroCode);
            if (values.Length % 2 != 0)
                codes[^1] = ZeroCode << 4;
            return;
        }

        ref var from = ref MemoryMarshal.GetReference(values);
        ref var to = ref MemoryMarshal.GetReference(codes);
        var done = path switch
        {
            >= KernelPath.Avx512 => EncodeAvx512(ref from, values.Length, inverse, ref to),
            KernelPath.Avx2 => EncodeAvx2(ref from, values.Length, inverse, ref to),
            KernelPath.Vector128 => EncodeVector128(ref from, values.Length, inverse, ref to),
            _ => 0,
        };
        EncodeScalar(values[done..], inverse, codes[(done / 2)..]);
    }

    internal static void DecodeBlock(KernelPath path, ReadOnlySpan<byte> codes, float scale, Span<float> destination)
    {
        ref var from = ref MemoryMarshal.GetReference(codes);
        ref var to = ref MemoryMarshal.GetReference(destination);
        var done = path switch
        {
            >= KernelPath.Avx512 => DecodeAvx512(ref from, destination.Length, scale, ref to),
            KernelPath.Avx2 => DecodeAvx2(ref from, destination.Length, scale, ref to),
            _ => 0,
        };
        DecodeScalar(codes[(done / 2)..], scale, destination[done..]);
    }

    internal static void RequireBlockSize(int blockSize)
    {
        if (blockSize <= 0 || blockSize % 16 != 0)
            throw new ArgumentOutOfRangeException(nameof(blockSize), blockSize, "The block size of NF4 must be a positive multiple of 16; published models use 64.");
    }
}
