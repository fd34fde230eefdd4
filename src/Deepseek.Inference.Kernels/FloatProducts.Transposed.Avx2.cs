using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Against the grain: 6 tokens × 16 columns in 12 of 16 registers.
internal static unsafe partial class FloatProducts
{
    /// <summary>16 columns of a panel for 6 tokens; those that the tile lacks are copies of the first, and written twice alike.</summary>
    private static void PanelAvx2(float* panel, int rows, float* x, long xStride, int tokens, float* y, long yStride)
    {
        var t1 = tokens > 1 ? 1 : 0;
        var t2 = tokens > 2 ? 2 : 0;
        var t3 = tokens > 3 ? 3 : 0;
        var t4 = tokens > 4 ? 4 : 0;
        var t5 = tokens > 5 ? 5 : 0;

        float* x1 = x + (t1 * xStride), y1 = y + (t1 * yStride);
        float* x2 = x + (t2 * xStride), y2 = y + (t2 * yStride);
        float* x3 = x + (t3 * xStride), y3 = y + (t3 * yStride);
        float* x4 = x + (t4 * xStride), y4 = y + (t4 * yStride);
        float* x5 = x + (t5 * xStride), y5 = y + (t5 * yStride);

        var (s0a, s0b) = (Vector256.Load(y), Vector256.Load(y + 8));
        var (s1a, s1b) = (Vector256.Load(y1), Vector256.Load(y1 + 8));
        var (s2a, s2b) = (Vector256.Load(y2), Vector256.Load(y2 + 8));
        var (s3a, s3b) = (Vector256.Load(y3), Vector256.Load(y3 + 8));
        var (s4a, s4b) = (Vector256.Load(y4), Vector256.Load(y4 + 8));
        var (s5a, s5b) = (Vector256.Load(y5), Vector256.Load(y5 + 8));
        for (nint r = 0; r < rows; r++)
        {
            var (a, b) = (Vector256.Load(panel), Vector256.Load(panel + 8));
            var u = Vector256.Create(x[r]);
            s0a = Vector256.FusedMultiplyAdd(u, a, s0a);
            s0b = Vector256.FusedMultiplyAdd(u, b, s0b);
            u = Vector256.Create(x1[r]);
            s1a = Vector256.FusedMultiplyAdd(u, a, s1a);
            s1b = Vector256.FusedMultiplyAdd(u, b, s1b);
            u = Vector256.Create(x2[r]);
            s2a = Vector256.FusedMultiplyAdd(u, a, s2a);
            s2b = Vector256.FusedMultiplyAdd(u, b, s2b);
            u = Vector256.Create(x3[r]);
            s3a = Vector256.FusedMultiplyAdd(u, a, s3a);
            s3b = Vector256.FusedMultiplyAdd(u, b, s3b);
            u = Vector256.Create(x4[r]);
            s4a = Vector256.FusedMultiplyAdd(u, a, s4a);
            s4b = Vector256.FusedMultiplyAdd(u, b, s4b);
            u = Vector256.Create(x5[r]);
            s5a = Vector256.FusedMultiplyAdd(u, a, s5a);
            s5b = Vector256.FusedMultiplyAdd(u, b, s5b);
            panel += PanelColumns;
        }

        s0a.Store(y);
        s0b.Store(y + 8);
        s1a.Store(y1);
        s1b.Store(y1 + 8);
        s2a.Store(y2);
        s2b.Store(y2 + 8);
        s3a.Store(y3);
        s3b.Store(y3 + 8);
        s4a.Store(y4);
        s4b.Store(y4 + 8);
        s5a.Store(y5);
        s5b.Store(y5 + 8);
    }

    /// <summary>Adds 8 rows to one token's outputs; returns how many columns are done.</summary>
    private static int StreamAvx2(float* weights, long weightStride, float* x, int columns, float* y)
    {
        var u0 = Vector256.Create(x[0]);
        var u1 = Vector256.Create(x[1]);
        var u2 = Vector256.Create(x[2]);
        var u3 = Vector256.Create(x[3]);
        var u4 = Vector256.Create(x[4]);
        var u5 = Vector256.Create(x[5]);
        var u6 = Vector256.Create(x[6]);
        var u7 = Vector256.Create(x[7]);
        var w1 = weights + weightStride;
        var w2 = weights + (2 * weightStride);
        var w3 = weights + (3 * weightStride);
        var w4 = weights + (4 * weightStride);
        var w5 = weights + (5 * weightStride);
        var w6 = weights + (6 * weightStride);
        var w7 = weights + (7 * weightStride);

        var end = columns - (columns % Vector256<float>.Count);
        for (nint c = 0; c < end; c += Vector256<float>.Count)
        {
            var sum = Vector256.FusedMultiplyAdd(u0, Vector256.Load(weights + c), Vector256.Load(y + c));
            sum = Vector256.FusedMultiplyAdd(u1, Vector256.Load(w1 + c), sum);
            sum = Vector256.FusedMultiplyAdd(u2, Vector256.Load(w2 + c), sum);
            sum = Vector256.FusedMultiplyAdd(u3, Vector256.Load(w3 + c), sum);
            sum = Vector256.FusedMultiplyAdd(u4, Vector256.Load(w4 + c), sum);
            sum = Vector256.FusedMultiplyAdd(u5, Vector256.Load(w5 + c), sum);
            sum = Vector256.FusedMultiplyAdd(u6, Vector256.Load(w6 + c), sum);
            sum = Vector256.FusedMultiplyAdd(u7, Vector256.Load(w7 + c), sum);
            sum.Store(y + c);
        }

        return end;
    }
}
