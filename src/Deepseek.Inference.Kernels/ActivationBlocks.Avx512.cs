using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// A block in four vectors of 512 bits, from the activations to the order in which kernels for such vectors read them.
internal static unsafe partial class ActivationBlocks
{
    // Of the 32-bit numbers of two vectors, as words: those of even columns, and of odd ones.
    private static readonly Vector512<short> Even = Vector512.Create([.. Enumerable.Range(0, Vector512<short>.Count).Select(i => (short)(4 * (i % 16)))]);
    private static readonly Vector512<short> Odd = Even + Vector512.Create((short)2);

    private static bool Rounds512(ActivationOrder order) => Avx512BW.IsSupported && order is (ActivationOrder.EvenOdd or ActivationOrder.DotWords or ActivationOrder.DotBytes);

    private static void RoundBlock512(float* values, float inverse, ActivationOrder order, float* scale, byte* destination)
    {
        if (inverse == 0)
        {
            new Span<byte>(destination, BytesOf(order)).Clear();
            new Span<float>(scale + 1, ScalesOf(order) - 1).Clear();
            return;
        }

        var (a, b, c, d) = Whole(values, inverse);
        if (order == ActivationOrder.DotBytes)
        {
            Narrow(a).Store(destination);
            Narrow(b).Store(destination + 16);
            Narrow(c).Store(destination + 32);
            Narrow(d).Store(destination + 48);
            ((int*)scale)[1] = -VnniCodes256.Offset * Vector512.Sum(a + b + (c + d));
            return;
        }

        var sum = Vector512.Sum(Vector512.Abs(a) + Vector512.Abs(b) + (Vector512.Abs(c) + Vector512.Abs(d)));
        if (sum > ProductShape.LargestSum)
            (a, b, c, d) = Whole(values, inverse * Shrink(sum, scale));
        var to = (short*)destination;
        Choose(a, Even, b).Store(to);
        Choose(c, Even, d).Store(to + 16);
        Choose(a, Odd, b).Store(to + 32);
        Choose(c, Odd, d).Store(to + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<int> A, Vector512<int> B, Vector512<int> C, Vector512<int> D) Whole(float* values, float factor)
    {
        var all = Vector512.Create(factor);
        return (Avx512F.ConvertToVector512Int32(Vector512.Load(values) * all), Avx512F.ConvertToVector512Int32(Vector512.Load(values + 16) * all),
            Avx512F.ConvertToVector512Int32(Vector512.Load(values + 32) * all), Avx512F.ConvertToVector512Int32(Vector512.Load(values + 48) * all));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Choose(Vector512<int> first, Vector512<short> indices, Vector512<int> second) =>
        Avx512BW.PermuteVar32x16x2(first.AsInt16(), indices, second.AsInt16()).GetLower();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Narrow(Vector512<int> whole) => Avx512F.ConvertToVector128SByte(whole).AsByte();
}
