using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Rounds a part of a cached row to whole numbers of 16 bits with one scale, and back. Every path returns the same bits.</summary>
internal static unsafe class CacheCodes
{
    private const int Lanes = LaneSums.Lanes;

    /// <summary>Rounds to the nearest multiple of largest magnitude / 32,767, to even between two.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="values">The part, [n].</param>
    /// <param name="codes">Receives [n], −32,767 to 32,767.</param>
    /// <returns>The scale: a value is about its code times that. 0 for zeros; not finite where a value is not, and then the codes are 0.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static float Round(KernelPath path, ReadOnlySpan<float> values, Span<short> codes)
    {
        Lengths.Require(nameof(codes), codes.Length, values.Length);
        fixed (float* from = values)
        {
            fixed (short* to = codes)
            {
                return path switch
                {
                    >= KernelPath.Avx512 => Round<Lanes512, Vector512<float>, Vector512<int>, Vector512<short>>(from, values.Length, to),
                    KernelPath.Avx2 => Round<Lanes256, Vector256<float>, Vector256<int>, Vector256<short>>(from, values.Length, to),
                    KernelPath.Vector128 => Round<Lanes128, Vector128<float>, Vector128<int>, Vector128<short>>(from, values.Length, to),
                    _ => RoundScalar(values, codes),
                };
            }
        }
    }

    /// <summary>Code times scale, rounded once.</summary>
    /// <param name="codes">The codes, [n].</param>
    /// <param name="scale">Their scale.</param>
    /// <param name="values">Receives [n].</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Decode(ReadOnlySpan<short> codes, float scale, Span<float> values)
    {
        Lengths.Require(nameof(values), values.Length, codes.Length);
        for (var i = 0; i < codes.Length; i++)
            values[i] = codes[i] * scale;
    }

    /// <summary>The definition. Every other path must equal it bit for bit.</summary>
    private static float RoundScalar(ReadOnlySpan<float> values, Span<short> codes)
    {
        var largest = 0f;
        foreach (var value in values)
            largest = MathF.Max(largest, MathF.Abs(value));
        var (step, inverse) = CodeSteps.Of(largest, 0);
        for (var i = 0; i < codes.Length; i++)
            codes[i] = inverse == 0 ? (short)0 : (short)MathF.Round(values[i] * inverse);
        return step;
    }

    /// <summary>The same with vectors of one width.</summary>
    public static float Round<TLanes, TSingle, TInt32, TInt16>(float* values, int count, short* codes)
        where TLanes : struct, ILanes<TSingle, TInt32, TInt16>
        where TSingle : struct
        where TInt32 : struct
        where TInt16 : struct
    {
        var lanes = stackalloc float[Lanes];
        var (step, inverse) = CodeSteps.Of(AttentionTile<TLanes, TSingle, TInt32, TInt16>.LargestMagnitude(values, count, lanes), 0);
        AttentionTile<TLanes, TSingle, TInt32, TInt16>.Round(values, count, inverse, codes);
        return step;
    }
}
