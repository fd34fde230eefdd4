using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>128 consecutive weights of a row in NF4, as a line of 64 bytes: of byte i the low nibble is weight i, the high nibble weight 64 + i.</summary>
/// <remarks>So each half of the nibbles is one block with one scale. Every path returns the same bits.</remarks>
internal static partial class Nf4Line
{
    /// <summary>Weights of a line.</summary>
    public const int Weights = 2 * Block;

    private const int Block = BandLayout.BlockColumns;
    private const int Bytes = BandLayout.LineBytes;

    /// <summary>Encodes a line.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="weights">The weights, [128], finite.</param>
    /// <param name="lowScale">The scale of the first 64, of either sign; where its inverse is not finite, they become zeros.</param>
    /// <param name="highScale">The scale of the last 64.</param>
    /// <param name="line">Receives the line, [64].</param>
    public static void Encode(KernelPath path, ReadOnlySpan<float> weights, float lowScale, float highScale, Span<byte> line)
    {
        Lengths.Require(nameof(weights), weights.Length, Weights);
        Lengths.Require(nameof(line), line.Length, Bytes);
        ref var from = ref MemoryMarshal.GetReference(weights);
        ref var to = ref MemoryMarshal.GetReference(line);
        var (low, high) = (Inverse(lowScale), Inverse(highScale));
        switch (path)
        {
            case >= KernelPath.Avx512:
                EncodeAvx512(ref from, low, high, ref to);
                break;
            case KernelPath.Avx2:
                EncodeAvx2(ref from, low, high, ref to);
                break;
            case KernelPath.Vector128:
                EncodeVector128(ref from, low, high, ref to);
                break;
            default:
                EncodeScalar(weights, low, high, line);
                break;
        }
    }

    /// <summary>Decodes a line: level · scale, rounded once.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="line">The line, [64].</param>
    /// <param name="lowScale">The scale of the first 64 weights.</param>
    /// <param name="highScale">The scale of the last 64.</param>
    /// <param name="weights">Receives the weights, [128].</param>
    public static void Decode(KernelPath path, ReadOnlySpan<byte> line, float lowScale, float highScale, Span<float> weights)
    {
        Lengths.Require(nameof(weights), weights.Length, Weights);
        Lengths.Require(nameof(line), line.Length, Bytes);
        ref var from = ref MemoryMarshal.GetReference(line);
        ref var to = ref MemoryMarshal.GetReference(weights);
        switch (path)
        {
            case >= KernelPath.Avx512:
                DecodeAvx512(ref from, lowScale, highScale, ref to);
                break;
            case KernelPath.Avx2:
                DecodeAvx2(ref from, lowScale, highScale, ref to);
                break;
            default:
                DecodeScalar(line, lowScale, highScale, weights);
                break;
        }
    }

    private static float Inverse(float scale) => float.IsFinite(1 / scale) ? 1 / scale : 0;

    /// <summary>The definition. Every other path must equal it bit for bit.</summary>
    private static void EncodeScalar(ReadOnlySpan<float> weights, float low, float high, Span<byte> line)
    {
        for (var i = 0; i < Block; i++)
            line[i] = (byte)(Nf4.CodeOf(weights[i] * low) | Nf4.CodeOf(weights[Block + i] * high) << 4);
    }

    /// <summary>The definition. One table read a weight: it serves portable vectors too.</summary>
    private static void DecodeScalar(ReadOnlySpan<byte> line, float lowScale, float highScale, Span<float> weights)
    {
        for (var i = 0; i < Block; i++)
        {
            weights[i] = Nf4.Levels[line[i] & 0xF] * lowScale;
            weights[Block + i] = Nf4.Levels[line[i] >> 4] * highScale;
        }
    }
}
