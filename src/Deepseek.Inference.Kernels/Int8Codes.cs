using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Whole numbers from −127 to 127 that share a scale. Every path returns the same bits.</summary>
internal static partial class Int8Codes
{
    /// <summary>The largest code.</summary>
    public const int Largest = 127;

    /// <summary>Encodes weights: weight / scale, to the nearest whole number, ties to even; of scale 0, zeros.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="weights">The weights, [n], finite.</param>
    /// <param name="scale">The scale, 0 or more.</param>
    /// <param name="codes">Receives n codes.</param>
    public static void Encode(KernelPath path, ReadOnlySpan<float> weights, float scale, Span<sbyte> codes)
    {
        Lengths.Require(nameof(codes), codes.Length, weights.Length);
        if (scale == 0)
        {
            codes.Clear();
            return;
        }

        ref var from = ref MemoryMarshal.GetReference(weights);
        ref var to = ref MemoryMarshal.GetReference(codes);
        var done = path switch
        {
            >= KernelPath.Avx512 => EncodeAvx512(ref from, weights.Length, scale, ref to),
            KernelPath.Avx2 => EncodeAvx2(ref from, weights.Length, scale, ref to),
            KernelPath.Vector128 => EncodeVector128(ref from, weights.Length, scale, ref to),
            _ => 0,
        };
        for (var i = done; i < weights.Length; i++)
            codes[i] = (sbyte)MathF.Round(Math.Clamp(weights[i] / scale, -Largest, Largest));
    }

    /// <summary>Decodes: code · scale, rounded once.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="codes">The codes, [n].</param>
    /// <param name="scale">The scale.</param>
    /// <param name="weights">Receives n weights.</param>
    public static void Decode(KernelPath path, ReadOnlySpan<sbyte> codes, float scale, Span<float> weights)
    {
        Lengths.Require(nameof(weights), weights.Length, codes.Length);
        ref var from = ref MemoryMarshal.GetReference(codes);
        ref var to = ref MemoryMarshal.GetReference(weights);
        var done = path switch
        {
            >= KernelPath.Avx512 => DecodeAvx512(ref from, codes.Length, scale, ref to),
            KernelPath.Avx2 => DecodeAvx2(ref from, codes.Length, scale, ref to),
            KernelPath.Vector128 => DecodeVector128(ref from, codes.Length, scale, ref to),
            _ => 0,
        };
        for (var i = done; i < codes.Length; i++)
            weights[i] = codes[i] * scale;
    }
}
