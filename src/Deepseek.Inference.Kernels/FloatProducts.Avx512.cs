using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// 4 rows × 6 tokens in 24 of 32 registers, 4 rows × 1 token in 4; a vector holds an output's partial sums.
internal static unsafe partial class FloatProducts
{
    private static void WideTileAvx512(float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* sums)
    {
        var w1 = weights + (rows > 1 ? weightStride : 0);
        var w2 = weights + (rows > 2 ? 2 * weightStride : 0);
        var w3 = weights + (rows > 3 ? 3 * weightStride : 0);
        var x1 = x + (tokens > 1 ? xStride : 0);
        var x2 = x + (tokens > 2 ? 2 * xStride : 0);
        var x3 = x + (tokens > 3 ? 3 * xStride : 0);
        var x4 = x + (tokens > 4 ? 4 * xStride : 0);
        var x5 = x + (tokens > 5 ? 5 * xStride : 0);

        var s00 = Vector512.Load(sums);
        var s10 = Vector512.Load(sums + Lanes);
        var s20 = Vector512.Load(sums + (2 * Lanes));
        var s30 = Vector512.Load(sums + (3 * Lanes));
        var s01 = Vector512.Load(sums + TokenSums);
        var s11 = Vector512.Load(sums + TokenSums + Lanes);
        var s21 = Vector512.Load(sums + TokenSums + (2 * Lanes));
        var s31 = Vector512.Load(sums + TokenSums + (3 * Lanes));
        var s02 = Vector512.Load(sums + (2 * TokenSums));
        var s12 = Vector512.Load(sums + (2 * TokenSums) + Lanes);
        var s22 = Vector512.Load(sums + (2 * TokenSums) + (2 * Lanes));
        var s32 = Vector512.Load(sums + (2 * TokenSums) + (3 * Lanes));
        var s03 = Vector512.Load(sums + (3 * TokenSums));
        var s13 = Vector512.Load(sums + (3 * TokenSums) + Lanes);
        var s23 = Vector512.Load(sums + (3 * TokenSums) + (2 * Lanes));
        var s33 = Vector512.Load(sums + (3 * TokenSums) + (3 * Lanes));
        var s04 = Vector512.Load(sums + (4 * TokenSums));
        var s14 = Vector512.Load(sums + (4 * TokenSums) + Lanes);
        var s24 = Vector512.Load(sums + (4 * TokenSums) + (2 * Lanes));
        var s34 = Vector512.Load(sums + (4 * TokenSums) + (3 * Lanes));
        var s05 = Vector512.Load(sums + (5 * TokenSums));
        var s15 = Vector512.Load(sums + (5 * TokenSums) + Lanes);
        var s25 = Vector512.Load(sums + (5 * TokenSums) + (2 * Lanes));
        var s35 = Vector512.Load(sums + (5 * TokenSums) + (3 * Lanes));
        for (nint c = 0; c < columns; c += Lanes)
        {
            var v0 = Vector512.Load(weights + c);
            var v1 = Vector512.Load(w1 + c);
            var v2 = Vector512.Load(w2 + c);
            var v3 = Vector512.Load(w3 + c);
            var u = Vector512.Load(x + c);
            s00 = Vector512.FusedMultiplyAdd(u, v0, s00);
            s10 = Vector512.FusedMultiplyAdd(u, v1, s10);
            s20 = Vector512.FusedMultiplyAdd(u, v2, s20);
            s30 = Vector512.FusedMultiplyAdd(u, v3, s30);
            u = Vector512.Load(x1 + c);
            s01 = Vector512.FusedMultiplyAdd(u, v0, s01);
            s11 = Vector512.FusedMultiplyAdd(u, v1, s11);
            s21 = Vector512.FusedMultiplyAdd(u, v2, s21);
            s31 = Vector512.FusedMultiplyAdd(u, v3, s31);
            u = Vector512.Load(x2 + c);
            s02 = Vector512.FusedMultiplyAdd(u, v0, s02);
            s12 = Vector512.FusedMultiplyAdd(u, v1, s12);
            s22 = Vector512.FusedMultiplyAdd(u, v2, s22);
            s32 = Vector512.FusedMultiplyAdd(u, v3, s32);
            u = Vector512.Load(x3 + c);
            s03 = Vector512.FusedMultiplyAdd(u, v0, s03);
            s13 = Vector512.FusedMultiplyAdd(u, v1, s13);
            s23 = Vector512.FusedMultiplyAdd(u, v2, s23);
            s33 = Vector512.FusedMultiplyAdd(u, v3, s33);
            u = Vector512.Load(x4 + c);
            s04 = Vector512.FusedMultiplyAdd(u, v0, s04);
            s14 = Vector512.FusedMultiplyAdd(u, v1, s14);
            s24 = Vector512.FusedMultiplyAdd(u, v2, s24);
            s34 = Vector512.FusedMultiplyAdd(u, v3, s34);
            u = Vector512.Load(x5 + c);
            s05 = Vector512.FusedMultiplyAdd(u, v0, s05);
            s15 = Vector512.FusedMultiplyAdd(u, v1, s15);
            s25 = Vector512.FusedMultiplyAdd(u, v2, s25);
            s35 = Vector512.FusedMultiplyAdd(u, v3, s35);
        }

        s00.Store(sums);
        s10.Store(sums + Lanes);
        s20.Store(sums + (2 * Lanes));
        s30.Store(sums + (3 * Lanes));
        s01.Store(sums + TokenSums);
        s11.Store(sums + TokenSums + Lanes);
        s21.Store(sums + TokenSums + (2 * Lanes));
        s31.Store(sums + TokenSums + (3 * Lanes));
        s02.Store(sums + (2 * TokenSums));
        s12.Store(sums + (2 * TokenSums) + Lanes);
        s22.Store(sums + (2 * TokenSums) + (2 * Lanes));
        s32.Store(sums + (2 * TokenSums) + (3 * Lanes));
        s03.Store(sums + (3 * TokenSums));
        s13.Store(sums + (3 * TokenSums) + Lanes);
        s23.Store(sums + (3 * TokenSums) + (2 * Lanes));
        s33.Store(sums + (3 * TokenSums) + (3 * Lanes));
        s04.Store(sums + (4 * TokenSums));
        s14.Store(sums + (4 * TokenSums) + Lanes);
        s24.Store(sums + (4 * TokenSums) + (2 * Lanes));
        s34.Store(sums + (4 * TokenSums) + (3 * Lanes));
        s05.Store(sums + (5 * TokenSums));
        s15.Store(sums + (5 * TokenSums) + Lanes);
        s25.Store(sums + (5 * TokenSums) + (2 * Lanes));
        s35.Store(sums + (5 * TokenSums) + (3 * Lanes));
    }

    private static void NarrowTileAvx512(float* weights, long weightStride, int rows, float* x, int columns, float* sums)
    {
        var w1 = weights + (rows > 1 ? weightStride : 0);
        var w2 = weights + (rows > 2 ? 2 * weightStride : 0);
        var w3 = weights + (rows > 3 ? 3 * weightStride : 0);

        var s0 = Vector512.Load(sums);
        var s1 = Vector512.Load(sums + Lanes);
        var s2 = Vector512.Load(sums + (2 * Lanes));
        var s3 = Vector512.Load(sums + (3 * Lanes));
        for (nint c = 0; c < columns; c += Lanes)
        {
            var u = Vector512.Load(x + c);
            s0 = Vector512.FusedMultiplyAdd(u, Vector512.Load(weights + c), s0);
            s1 = Vector512.FusedMultiplyAdd(u, Vector512.Load(w1 + c), s1);
            s2 = Vector512.FusedMultiplyAdd(u, Vector512.Load(w2 + c), s2);
            s3 = Vector512.FusedMultiplyAdd(u, Vector512.Load(w3 + c), s3);
        }

        s0.Store(sums);
        s1.Store(sums + Lanes);
        s2.Store(sums + (2 * Lanes));
        s3.Store(sums + (3 * Lanes));
    }
}
