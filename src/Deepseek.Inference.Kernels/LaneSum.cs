using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Sums across the lanes of vectors of 256 bits.</summary>
internal static unsafe class LaneSum
{
    /// <summary>In each half two lanes of a's sum, then two of b's.</summary>
    /// <remarks>Three instructions do what HorizontalAdd, which the processor makes four of, would do in one.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Two(Vector256<int> a, Vector256<int> b) =>
        Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0b10_00_10_00).AsInt32() + Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0b11_01_11_01).AsInt32();
}
