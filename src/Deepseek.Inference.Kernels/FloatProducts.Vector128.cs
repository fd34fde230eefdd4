using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// 2 rows × 3 tokens in 24 of the 32 registers of ARM, 4 rows × 1 token in 16; four vectors hold an output's partial sums.
internal static unsafe partial class FloatProducts
{
    private static void WideTileVector128(float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* sums)
    {
        var w1 = weights + (rows > 1 ? weightStride : 0);
        var x1 = x + (tokens > 1 ? xStride : 0);
        var x2 = x + (tokens > 2 ? 2 * xStride : 0);

        var (s00a, s00b, s00c, s00d) = (Vector128.Load(sums), Vector128.Load(sums + 4), Vector128.Load(sums + 8), Vector128.Load(sums + 12));
        var (s10a, s10b, s10c, s10d) = (Vector128.Load(sums + Lanes), Vector128.Load(sums + Lanes + 4), Vector128.Load(sums + Lanes + 8), Vector128.Load(sums + Lanes + 12));
        var (s01a, s01b, s01c, s01d) = (Vector128.Load(sums + TokenSums), Vector128.Load(sums + TokenSums + 4), Vector128.Load(sums + TokenSums + 8), Vector128.Load(sums + TokenSums + 12));
        var (s11a, s11b, s11c, s11d) = (Vector128.Load(sums + TokenSums + Lanes), Vector128.Load(sums + TokenSums + Lanes + 4), Vector128.Load(sums + TokenSums + Lanes + 8), Vector128.Load(sums + TokenSums + Lanes + 12));
        var (s02a, s02b, s02c, s02d) = (Vector128.Load(sums + (2 * TokenSums)), Vector128.Load(sums + (2 * TokenSums) + 4), Vector128.Load(sums + (2 * TokenSums) + 8), Vector128.Load(sums + (2 * TokenSums) + 12));
        var (s12a, s12b, s12c, s12d) = (Vector128.Load(sums + (2 * TokenSums) + Lanes), Vector128.Load(sums + (2 * TokenSums) + Lanes + 4), Vector128.Load(sums + (2 * TokenSums) + Lanes + 8), Vector128.Load(sums + (2 * TokenSums) + Lanes + 12));
        for (nint c = 0; c < columns; c += Lanes)
        {
            var v0 = Vector128.Load(weights + c);
            var v1 = Vector128.Load(w1 + c);
            var u = Vector128.Load(x + c);
            s00a = Vector128.FusedMultiplyAdd(u, v0, s00a);
            s10a = Vector128.FusedMultiplyAdd(u, v1, s10a);
            u = Vector128.Load(x1 + c);
            s01a = Vector128.FusedMultiplyAdd(u, v0, s01a);
            s11a = Vector128.FusedMultiplyAdd(u, v1, s11a);
            u = Vector128.Load(x2 + c);
            s02a = Vector128.FusedMultiplyAdd(u, v0, s02a);
            s12a = Vector128.FusedMultiplyAdd(u, v1, s12a);

            v0 = Vector128.Load(weights + c + 4);
            v1 = Vector128.Load(w1 + c + 4);
            u = Vector128.Load(x + c + 4);
            s00b = Vector128.FusedMultiplyAdd(u, v0, s00b);
            s10b = Vector128.FusedMultiplyAdd(u, v1, s10b);
            u = Vector128.Load(x1 + c + 4);
            s01b = Vector128.FusedMultiplyAdd(u, v0, s01b);
            s11b = Vector128.FusedMultiplyAdd(u, v1, s11b);
            u = Vector128.Load(x2 + c + 4);
            s02b = Vector128.FusedMultiplyAdd(u, v0, s02b);
            s12b = Vector128.FusedMultiplyAdd(u, v1, s12b);

            v0 = Vector128.Load(weights + c + 8);
            v1 = Vector128.Load(w1 + c + 8);
            u = Vector128.Load(x + c + 8);
            s00c = Vector128.FusedMultiplyAdd(u, v0, s00c);
            s10c = Vector128.FusedMultiplyAdd(u, v1, s10c);
            u = Vector128.Load(x1 + c + 8);
            s01c = Vector128.FusedMultiplyAdd(u, v0, s01c);
            s11c = Vector128.FusedMultiplyAdd(u, v1, s11c);
            u = Vector128.Load(x2 + c + 8);
            s02c = Vector128.FusedMultiplyAdd(u, v0, s02c);
            s12c = Vector128.FusedMultiplyAdd(u, v1, s12c);

            v0 = Vector128.Load(weights + c + 12);
            v1 = Vector128.Load(w1 + c + 12);
            u = Vector128.Load(x + c + 12);
            s00d = Vector128.FusedMultiplyAdd(u, v0, s00d);
            s10d = Vector128.FusedMultiplyAdd(u, v1, s10d);
            u = Vector128.Load(x1 + c + 12);
            s01d = Vector128.FusedMultiplyAdd(u, v0, s01d);
            s11d = Vector128.FusedMultiplyAdd(u, v1, s11d);
            u = Vector128.Load(x2 + c + 12);
            s02d = Vector128.FusedMultiplyAdd(u, v0, s02d);
            s12d = Vector128.FusedMultiplyAdd(u, v1, s12d);
        }

        s00a.Store(sums);
        s00b.Store(sums + 4);
        s00c.Store(sums + 8);
        s00d.Store(sums + 12);
        s10a.Store(sums + Lanes);
        s10b.Store(sums + Lanes + 4);
        s10c.Store(sums + Lanes + 8);
        s10d.Store(sums + Lanes + 12);
        s01a.Store(sums + TokenSums);
        s01b.Store(sums + TokenSums + 4);
        s01c.Store(sums + TokenSums + 8);
        s01d.Store(sums + TokenSums + 12);
        s11a.Store(sums + TokenSums + Lanes);
        s11b.Store(sums + TokenSums + Lanes + 4);
        s11c.Store(sums + TokenSums + Lanes + 8);
        s11d.Store(sums + TokenSums + Lanes + 12);
        s02a.Store(sums + (2 * TokenSums));
        s02b.Store(sums + (2 * TokenSums) + 4);
        s02c.Store(sums + (2 * TokenSums) + 8);
        s02d.Store(sums + (2 * TokenSums) + 12);
        s12a.Store(sums + (2 * TokenSums) + Lanes);
        s12b.Store(sums + (2 * TokenSums) + Lanes + 4);
        s12c.Store(sums + (2 * TokenSums) + Lanes + 8);
        s12d.Store(sums + (2 * TokenSums) + Lanes + 12);
    }

    private static void NarrowTileVector128(float* weights, long weightStride, int rows, float* x, int columns, float* sums)
    {
        var w1 = weights + (rows > 1 ? weightStride : 0);
        var w2 = weights + (rows > 2 ? 2 * weightStride : 0);
        var w3 = weights + (rows > 3 ? 3 * weightStride : 0);

        var (s0a, s0b, s0c, s0d) = (Vector128.Load(sums), Vector128.Load(sums + 4), Vector128.Load(sums + 8), Vector128.Load(sums + 12));
        var (s1a, s1b, s1c, s1d) = (Vector128.Load(sums + Lanes), Vector128.Load(sums + Lanes + 4), Vector128.Load(sums + Lanes + 8), Vector128.Load(sums + Lanes + 12));
        var (s2a, s2b, s2c, s2d) = (Vector128.Load(sums + (2 * Lanes)), Vector128.Load(sums + (2 * Lanes) + 4), Vector128.Load(sums + (2 * Lanes) + 8), Vector128.Load(sums + (2 * Lanes) + 12));
        var (s3a, s3b, s3c, s3d) = (Vector128.Load(sums + (3 * Lanes)), Vector128.Load(sums + (3 * Lanes) + 4), Vector128.Load(sums + (3 * Lanes) + 8), Vector128.Load(sums + (3 * Lanes) + 12));
        for (nint c = 0; c < columns; c += Lanes)
        {
            var u = Vector128.Load(x + c);
            s0a = Vector128.FusedMultiplyAdd(u, Vector128.Load(weights + c), s0a);
            s1a = Vector128.FusedMultiplyAdd(u, Vector128.Load(w1 + c), s1a);
            s2a = Vector128.FusedMultiplyAdd(u, Vector128.Load(w2 + c), s2a);
            s3a = Vector128.FusedMultiplyAdd(u, Vector128.Load(w3 + c), s3a);
            u = Vector128.Load(x + c + 4);
            s0b = Vector128.FusedMultiplyAdd(u, Vector128.Load(weights + c + 4), s0b);
            s1b = Vector128.FusedMultiplyAdd(u, Vector128.Load(w1 + c + 4), s1b);
            s2b = Vector128.FusedMultiplyAdd(u, Vector128.Load(w2 + c + 4), s2b);
            s3b = Vector128.FusedMultiplyAdd(u, Vector128.Load(w3 + c + 4), s3b);
            u = Vector128.Load(x + c + 8);
            s0c = Vector128.FusedMultiplyAdd(u, Vector128.Load(weights + c + 8), s0c);
            s1c = Vector128.FusedMultiplyAdd(u, Vector128.Load(w1 + c + 8), s1c);
            s2c = Vector128.FusedMultiplyAdd(u, Vector128.Load(w2 + c + 8), s2c);
            s3c = Vector128.FusedMultiplyAdd(u, Vector128.Load(w3 + c + 8), s3c);
            u = Vector128.Load(x + c + 12);
            s0d = Vector128.FusedMultiplyAdd(u, Vector128.Load(weights + c + 12), s0d);
            s1d = Vector128.FusedMultiplyAdd(u, Vector128.Load(w1 + c + 12), s1d);
            s2d = Vector128.FusedMultiplyAdd(u, Vector128.Load(w2 + c + 12), s2d);
            s3d = Vector128.FusedMultiplyAdd(u, Vector128.Load(w3 + c + 12), s3d);
        }

        s0a.Store(sums);
        s0b.Store(sums + 4);
        s0c.Store(sums + 8);
        s0d.Store(sums + 12);
        s1a.Store(sums + Lanes);
        s1b.Store(sums + Lanes + 4);
        s1c.Store(sums + Lanes + 8);
        s1d.Store(sums + Lanes + 12);
        s2a.Store(sums + (2 * Lanes));
        s2b.Store(sums + (2 * Lanes) + 4);
        s2c.Store(sums + (2 * Lanes) + 8);
        s2d.Store(sums + (2 * Lanes) + 12);
        s3a.Store(sums + (3 * Lanes));
        s3b.Store(sums + (3 * Lanes) + 4);
        s3c.Store(sums + (3 * Lanes) + 8);
        s3d.Store(sums + (3 * Lanes) + 12);
    }
}
