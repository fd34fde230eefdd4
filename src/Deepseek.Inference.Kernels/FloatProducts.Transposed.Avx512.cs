using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Against the grain: 8 tokens × 32 columns in 16 of 32 registers.
internal static unsafe partial class FloatProducts
{
    /// <summary>32 columns of a panel for 8 tokens; those that the tile lacks are copies of the first, and written twice alike.</summary>
    private static void PanelAvx512(float* panel, int rows, float* x, long xStride, int tokens, float* y, long yStride)
    {
        var t1 = tokens > 1 ? 1 : 0;
        var t2 = tokens > 2 ? 2 : 0;
        var t3 = tokens > 3 ? 3 : 0;
        var t4 = tokens > 4 ? 4 : 0;
        var t5 = tokens > 5 ? 5 : 0;
        var t6 = tokens > 6 ? 6 : 0;
        var t7 = tokens > 7 ? 7 : 0;

        float* x1 = x + (t1 * xStride), y1 = y + (t1 * yStride);
        float* x2 = x + (t2 * xStride), y2 = y + (t2 * yStride);
        float* x3 = x + (t3 * xStride), y3 = y + (t3 * yStride);
        float* x4 = x + (t4 * xStride), y4 = y + (t4 * yStride);
        float* x5 = x + (t5 * xStride), y5 = y + (t5 * yStride);
        float* x6 = x + (t6 * xStride), y6 = y + (t6 * yStride);
        float* x7 = x + (t7 * xStride), y7 = y + (t7 * yStride);

        var (s0a, s0b) = (Vector512.Load(y), Vector512.Load(y + 16));
        var (s1a, s1b) = (Vector512.Load(y1), Vector512.Load(y1 + 16));
        var (s2a, s2b) = (Vector512.Load(y2), Vector512.Load(y2 + 16));
        var (s3a, s3b) = (Vector512.Load(y3), Vector512.Load(y3 + 16));
        var (s4a, s4b) = (Vector512.Load(y4), Vector512.Load(y4 + 16));
        var (s5a, s5b) = (Vector512.Load(y5), Vector512.Load(y5 + 16));
        var (s6a, s6b) = (Vector512.Load(y6), Vector512.Load(y6 + 16));
        var (s7a, s7b) = (Vector512.Load(y7), Vector512.Load(y7 + 16));
        for (nint r = 0; r < rows; r++)
        {
            var (a, b) = (Vector512.Load(panel), Vector512.Load(panel + 16));
            var u = Vector512.Create(x[r]);
            s0a = Vector512.FusedMultiplyAdd(u, a, s0a);
            s0b = Vector512.FusedMultiplyAdd(u, b, s0b);
            u = Vector512.Create(x1[r]);
            s1a = Vector512.FusedMultiplyAdd(u, a, s1a);
            s1b = Vector512.FusedMultiplyAdd(u, b, s1b);
            u = Vector512.Create(x2[r]);
            s2a = Vector512.FusedMultiplyAdd(u, a, s2a);
            s2b = Vector512.FusedMultiplyAdd(u, b, s2b);
            u = Vector512.Create(x3[r]);
            s3a = Vector512.FusedMultiplyAdd(u, a, s3a);
            s3b = Vector512.FusedMultiplyAdd(u, b, s3b);
            u = Vector512.Create(x4[r]);
            s4a = Vector512.FusedMultiplyAdd(u, a, s4a);
            s4b = Vector512.FusedMultiplyAdd(u, b, s4b);
            u = Vector512.Create(x5[r]);
            s5a = Vector512.FusedMultiplyAdd(u, a, s5a);
            s5b = Vector512.FusedMultiplyAdd(u, b, s5b);
            u = Vector512.Create(x6[r]);
            s6a = Vector512.FusedMultiplyAdd(u, a, s6a);
            s6b = Vector512.FusedMultiplyAdd(u, b, s6b);
            u = Vector512.Create(x7[r]);
            s7a = Vector512.FusedMultiplyAdd(u, a, s7a);
            s7b = Vector512.FusedMultiplyAdd(u, b, s7b);
            panel += PanelColumns;
        }

        s0a.Store(y);
        s0b.Store(y + 16);
        s1a.Store(y1);
        s1b.Store(y1 + 16);
        s2a.Store(y2);
        s2b.Store(y2 + 16);
        s3a.Store(y3);
        s3b.Store(y3 + 16);
        s4a.Store(y4);
        s4b.Store(y4 + 16);
        s5a.Store(y5);
        s5b.Store(y5 + 16);
        s6a.Store(y6);
        s6b.Store(y6 + 16);
        s7a.Store(y7);
        s7b.Store(y7 + 16);
    }

    /// <summary>Adds 8 rows to one token's outputs; returns how many columns are done.</summary>
    private static int StreamAvx512(float* weights, long weightStride, float* x, int columns, float* y)
    {
        var u0 = Vector512.Create(x[0]);
        var u1 = Vector512.Create(x[1]);
        var u2 = Vector512.Create(x[2]);
        var u3 = Vector512.Create(x[3]);
        var u4 = Vector512.Create(x[4]);
        var u5 = Vector512.Create(x[5]);
        var u6 = Vector512.Create(x[6]);
        var u7 = Vector512.Create(x[7]);
        var w1 = weights + weightStride;
        var w2 = weights + (2 * weightStride);
        var w3 = weights + (3 * weightStride);
        var w4 = weights + (4 * weightStride);
        var w5 = weights + (5 * weightStride);
        var w6 = weights + (6 * weightStride);
        var w7 = weights + (7 * weightStride);

        var end = columns - (columns % Vector512<float>.Count);
        for (nint c = 0; c < end; c += Vector512<float>.Count)
        {
            var sum = Vector512.FusedMultiplyAdd(u0, Vector512.Load(weights + c), Vector512.Load(y + c));
            sum = Vector512.FusedMultiplyAdd(u1, Vector512.Load(w1 + c), sum);
            sum = Vector512.FusedMultiplyAdd(u2, Vector512.Load(w2 + c), sum);
            sum = Vector512.FusedMultiplyAdd(u3, Vector512.Load(w3 + c), sum);
            sum = Vector512.FusedMultiplyAdd(u4, Vector512.Load(w4 + c), sum);
            sum = Vector512.FusedMultiplyAdd(u5, Vector512.Load(w5 + c), sum);
            sum = Vector512.FusedMultiplyAdd(u6, Vector512.Load(w6 + c), sum);
            sum = Vector512.FusedMultiplyAdd(u7, Vector512.Load(w7 + c), sum);
            sum.Store(y + c);
        }

        return end;
    }
}
