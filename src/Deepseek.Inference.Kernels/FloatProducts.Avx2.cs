using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// 2 rows × 3 tokens in 12 of 16 registers, 4 rows × 1 token in 8; two vectors hold an output's partial sums.
internal static unsafe partial class FloatProducts
{
    private static void WideTileAvx2(float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* sums)
    {
        var w1 = weights + (rows > 1 ? weightStride : 0);
        var x1 = x + (tokens > 1 ? xStride : 0);
        var x2 = x + (tokens > 2 ? 2 * xStride : 0);

        var (s00a, s00b) = (Vector256.Load(sums), Vector256.Load(sums + 8));
        var (s10a, s10b) = (Vector256.Load(sums + Lanes), Vector256.Load(sums + Lanes + 8));
        var (s01a, s01b) = (Vector256.Load(sums + TokenSums), Vector256.Load(sums + TokenSums + 8));
        var (s11a, s11b) = (Vector256.Load(sums + TokenSums + Lanes), Vector256.Load(sums + TokenSums + Lanes + 8));
        var (s02a, s02b) = (Vector256.Load(sums + (2 * TokenSums)), Vector256.Load(sums + (2 * TokenSums) + 8));
        var (s12a, s12b) = (Vector256.Load(sums + (2 * TokenSums) + Lanes), Vector256.Load(sums + (2 * TokenSums) + Lanes + 8));
        for (nint c = 0; c < columns; c += Lanes)
        {
            var v0 = Vector256.Load(weights + c);
            var v1 = Vector256.Load(w1 + c);
            var u = Vector256.Load(x + c);
            s00a = Vector256.FusedMultiplyAdd(u, v0, s00a);
            s10a = Vector256.FusedMultiplyAdd(u, v1, s10a);
            u = Vector256.Load(x1 + c);
            s01a = Vector256.FusedMultiplyAdd(u, v0, s01a);
            s11a = Vector256.FusedMultiplyAdd(u, v1, s11a);
            u = Vector256.Load(x2 + c);
            s02a = Vector256.FusedMultiplyAdd(u, v0, s02a);
            s12a = Vector256.FusedMultiplyAdd(u, v1, s12a);

            v0 = Vector256.Load(weights + c + 8);
            v1 = Vector256.Load(w1 + c + 8);
            u = Vector256.Load(x + c + 8);
            s00b = Vector256.FusedMultiplyAdd(u, v0, s00b);
            s10b = Vector256.FusedMultiplyAdd(u, v1, s10b);
            u = Vector256.Load(x1 + c + 8);
            s01b = Vector256.FusedMultiplyAdd(u, v0, s01b);
            s11b = Vector256.FusedMultiplyAdd(u, v1, s11b);
            u = Vector256.Load(x2 + c + 8);
            s02b = Vector256.FusedMultiplyAdd(u, v0, s02b);
            s12b = Vector256.FusedMultiplyAdd(u, v1, s12b);
        }

        s00a.Store(sums);
        s00b.Store(sums + 8);
        s10a.Store(sums + Lanes);
        s10b.Store(sums + Lanes + 8);
        s01a.Store(sums + TokenSums);
        s01b.Store(sums + TokenSums + 8);
        s11a.Store(sums + TokenSums + Lanes);
        s11b.Store(sums + TokenSums + Lanes + 8);
        s02a.Store(sums + (2 * TokenSums));
        s02b.Store(sums + (2 * TokenSums) + 8);
        s12a.Store(sums + (2 * TokenSums) + Lanes);
        s12b.Store(sums + (2 * TokenSums) + Lanes + 8);
    }

    private static void NarrowTileAvx2(float* weights, long weightStride, int rows, float* x, int columns, float* sums)
    {
        var w1 = weights + (rows > 1 ? weightStride : 0);
        var w2 = weights + (rows > 2 ? 2 * weightStride : 0);
        var w3 = weights + (rows > 3 ? 3 * weightStride : 0);

        var (s0a, s0b) = (Vector256.Load(sums), Vector256.Load(sums + 8));
        var (s1a, s1b) = (Vector256.Load(sums + Lanes), Vector256.Load(sums + Lanes + 8));
        var (s2a, s2b) = (Vector256.Load(sums + (2 * Lanes)), Vector256.Load(sums + (2 * Lanes) + 8));
        var (s3a, s3b) = (Vector256.Load(sums + (3 * Lanes)), Vector256.Load(sums + (3 * Lanes) + 8));
        for (nint c = 0; c < columns; c += Lanes)
        {
            var u = Vector256.Load(x + c);
            s0a = Vector256.FusedMultiplyAdd(u, Vector256.Load(weights + c), s0a);
            s1a = Vector256.FusedMultiplyAdd(u, Vector256.Load(w1 + c), s1a);
            s2a = Vector256.FusedMultiplyAdd(u, Vector256.Load(w2 + c), s2a);
            s3a = Vector256.FusedMultiplyAdd(u, Vector256.Load(w3 + c), s3a);
            u = Vector256.Load(x + c + 8);
            s0b = Vector256.FusedMultiplyAdd(u, Vector256.Load(weights + c + 8), s0b);
            s1b = Vector256.FusedMultiplyAdd(u, Vector256.Load(w1 + c + 8), s1b);
            s2b = Vector256.FusedMultiplyAdd(u, Vector256.Load(w2 + c + 8), s2b);
            s3b = Vector256.FusedMultiplyAdd(u, Vector256.Load(w3 + c + 8), s3b);
        }

        s0a.Store(sums);
        s0b.Store(sums + 8);
        s1a.Store(sums + Lanes);
        s1b.Store(sums + Lanes + 8);
        s2a.Store(sums + (2 * Lanes));
        s2b.Store(sums + (2 * Lanes) + 8);
        s3a.Store(sums + (3 * Lanes));
        s3b.Store(sums + (3 * Lanes) + 8);
    }
}
