using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Instructions on 16-bit numbers that AVX-512 has and portable vectors lack; elsewhere the same results, element by element.</summary>
internal static class Avx512Words
{
    /// <summary>table[index mod 32] of each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Permute(Vector512<short> table, Vector512<ushort> indices) =>
        Avx512BW.IsSupported ? Avx512BW.PermuteVar32x16(table, indices.AsInt16()) : PermuteAny(table, indices);

    /// <summary>Products of neighbours, added in pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyAddAdjacent(Vector512<short> a, Vector512<short> b) =>
        Avx512BW.IsSupported ? Avx512BW.MultiplyAddAdjacent(a, b) : MultiplyAddAny(a, b);

    private static Vector512<short> PermuteAny(Vector512<short> table, Vector512<ushort> indices)
    {
        Span<short> values = stackalloc short[Vector512<short>.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = table.GetElement(indices.GetElement(i) % values.Length);
        return Vector512.Create<short>(values);
    }

    private static Vector512<int> MultiplyAddAny(Vector512<short> a, Vector512<short> b)
    {
        if (Avx2.IsSupported)
            return Vector512.Create(Avx2.MultiplyAddAdjacent(a.GetLower(), b.GetLower()), Avx2.MultiplyAddAdjacent(a.GetUpper(), b.GetUpper()));

        Span<int> sums = stackalloc int[Vector512<int>.Count];
        for (var i = 0; i < sums.Length; i++)
            sums[i] = (a.GetElement(2 * i) * b.GetElement(2 * i)) + (a.GetElement((2 * i) + 1) * b.GetElement((2 * i) + 1));
        return Vector512.Create<int>(sums);
    }
}
