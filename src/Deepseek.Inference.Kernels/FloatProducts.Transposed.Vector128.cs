using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Against the grain: 4 tokens × 16 columns in 16 of the 32 registers of ARM.
internal static unsafe partial class FloatProducts
{
    /// <summary>16 columns of a panel for 4 tokens; those that the tile lacks are copies of the first, and written twice alike.</summary>
    private static void PanelVector128(float* panel, int rows, float* x, long xStride, int tokens, float* y, long yStride)
    {
        var t1 = tokens > 1 ? 1 : 0;
        var t2 = tokens > 2 ? 2 : 0;
        var t3 = tokens > 3 ? 3 : 0;

        float* x1 = x + (t1 * xStride), y1 = y + (t1 * yStride);
        float* x2 = x + (t2 * xStride), y2 = y + (t2 * yStride);
        float* x3 = x + (t3 * xStride), y3 = y + (t3 * yStride);

        var (s0a, s0b, s0c, s0d) = (Vector128.Load(y), Vector128.Load(y + 4), Vector128.Load(y + 8), Vector128.Load(y + 12));
        var (s1a, s1b, s1c, s1d) = (Vector128.Load(y1), Vector128.Load(y1 + 4), Vector128.Load(y1 + 8), Vector128.Load(y1 + 12));
        var (s2a, s2b, s2c, s2d) = (Vector128.Load(y2), Vector128.Load(y2 + 4), Vector128.Load(y2 + 8), Vector128.Load(y2 + 12));
        var (s3a, s3b, s3c, s3d) = (Vector128.Load(y3), Vector128.Load(y3 + 4), Vector128.Load(y3 + 8), Vector128.Load(y3 + 12));
        for (nint r = 0; r < rows; r++)
        {
            var (a, b, c, d) = (Vector128.Load(panel), Vector128.Load(panel + 4), Vector128.Load(panel + 8), Vector128.Load(panel + 12));
            var u = Vector128.Create(x[r]);
            s0a = Vector128.FusedMultiplyAdd(u, a, s0a);
            s0b = Vector128.FusedMultiplyAdd(u, b, s0b);
            s0c = Vector128.FusedMultiplyAdd(u, c, s0c);
            s0d = Vector128.FusedMultiplyAdd(u, d, s0d);
            u = Vector128.Create(x1[r]);
            s1a = Vector128.FusedMultiplyAdd(u, a, s1a);
            s1b = Vector128.FusedMultiplyAdd(u, b, s1b);
            s1c = Vector128.FusedMultiplyAdd(u, c, s1c);
            s1d = Vector128.FusedMultiplyAdd(u, d, s1d);
            u = Vector128.Create(x2[r]);
            s2a = Vector128.FusedMultiplyAdd(u, a, s2a);
            s2b = Vector128.FusedMultiplyAdd(u, b, s2b);
            s2c = Vector128.FusedMultiplyAdd(u, c, s2c);
            s2d = Vector128.FusedMultiplyAdd(u, d, s2d);
            u = Vector128.Create(x3[r]);
            s3a = Vector128.FusedMultiplyAdd(u, a, s3a);
            s3b = Vector128.FusedMultiplyAdd(u, b, s3b);
            s3c = Vector128.FusedMultiplyAdd(u, c, s3c);
            s3d = Vector128.FusedMultiplyAdd(u, d, s3d);
            panel += PanelColumns;
        }

        s0a.Store(y);
        s0b.Store(y + 4);
        s0c.Store(y + 8);
        s0d.Store(y + 12);
        s1a.Store(y1);
        s1b.Store(y1 + 4);
        s1c.Store(y1 + 8);
        s1d.Store(y1 + 12);
        s2a.Store(y2);
        s2b.Store(y2 + 4);
        s2c.Store(y2 + 8);
        s2d.Store(y2 + 12);
        s3a.Store(y3);
        s3b.Store(y3 + 4);
        s3c.Store(y3 + 8);
        s3d.Store(y3 + 12);
    }

    /// <summary>Adds 8 rows to one token's outputs; returns how many columns are done.</summary>
    private static int StreamVector128(float* weights, long weightStride, float* x, int columns, float* y)
    {
        var u0 = Vector128.Create(x[0]);
        var u1 = Vector128.Create(x[1]);
        var u2 = Vector128.Create(x[2]);
        var u3 = Vector128.Create(x[3]);
        var u4 = Vector128.Create(x[4]);
        var u5 = Vector128.Create(x[5]);
        var u6 = Vector128.Create(x[6]);
        var u7 = Vector128.Create(x[7]);
        var w1 = weights + weightStride;
        var w2 = weights + (2 * weightStride);
        var w3 = weights + (3 * weightStride);
        var w4 = weights + (4 * weightStride);
        var w5 = weights + (5 * weightStride);
        var w6 = weights + (6 * weightStride);
        var w7 = weights + (7 * weightStride);

        var end = columns - (columns % Vector128<float>.Count);
        for (nint c = 0; c < end; c += Vector128<float>.Count)
        {
            var sum = Vector128.FusedMultiplyAdd(u0, Vector128.Load(weights + c), Vector128.Load(y + c));
            sum = Vector128.FusedMultiplyAdd(u1, Vector128.Load(w1 + c), sum);
            sum = Vector128.FusedMultiplyAdd(u2, Vector128.Load(w2 + c), sum);
            sum = Vector128.FusedMultiplyAdd(u3, Vector128.Load(w3 + c), sum);
            sum = Vector128.FusedMultiplyAdd(u4, Vector128.Load(w4 + c), sum);
            sum = Vector128.FusedMultiplyAdd(u5, Vector128.Load(w5 + c), sum);
            sum = Vector128.FusedMultiplyAdd(u6, Vector128.Load(w6 + c), sum);
            sum = Vector128.FusedMultiplyAdd(u7, Vector128.Load(w7 + c), sum);
            sum.Store(y + c);
        }

        return end;
    }
}
