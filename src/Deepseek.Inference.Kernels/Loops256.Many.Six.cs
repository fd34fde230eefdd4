using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Six tokens and 16 rows: sums in twelve registers, weights in two, an activation in one and its products in the last.
internal readonly unsafe partial struct Loops256<TForm, TCodes>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplySix(byte* codes, float* scales, int first, int blocks, ChunkToken* tokens)
    {
        var offset = (long)first * XBytes;
        byte* x0 = tokens[0].X + offset, x1 = tokens[1].X + offset, x2 = tokens[2].X + offset, x3 = tokens[3].X + offset, x4 = tokens[4].X + offset, x5 = tokens[5].X + offset;
        for (var block = first; block < first + blocks; block++, codes += Rows * TCodes.Bytes, scales += 2 * Rows)
        {
            Vector256<int> a0 = TCodes.Begin(x0), b0 = a0, a1 = TCodes.Begin(x1), b1 = a1, a2 = TCodes.Begin(x2), b2 = a2;
            Vector256<int> a3 = TCodes.Begin(x3), b3 = a3, a4 = TCodes.Begin(x4), b4 = a4, a5 = TCodes.Begin(x5), b5 = a5;
            for (nint group = 0; group < Groups; group += 2, codes += 2 * Vector256<byte>.Count)
            {
                // Two groups a step: counting costs half as much.
                var (w, v) = (Vector256.Load(codes), Vector256.Load(codes + (Rows * TCodes.Bytes)));
                AddOne(ref a0, ref b0, w, v, x0, group);
                AddOne(ref a1, ref b1, w, v, x1, group);
                AddOne(ref a2, ref b2, w, v, x2, group);
                AddOne(ref a3, ref b3, w, v, x3, group);
                AddOne(ref a4, ref b4, w, v, x4, group);
                AddOne(ref a5, ref b5, w, v, x5, group);

                (w, v) = (Vector256.Load(codes + Vector256<byte>.Count), Vector256.Load(codes + Vector256<byte>.Count + (Rows * TCodes.Bytes)));
                AddOne(ref a0, ref b0, w, v, x0, group + 1);
                AddOne(ref a1, ref b1, w, v, x1, group + 1);
                AddOne(ref a2, ref b2, w, v, x2, group + 1);
                AddOne(ref a3, ref b3, w, v, x3, group + 1);
                AddOne(ref a4, ref b4, w, v, x4, group + 1);
                AddOne(ref a5, ref b5, w, v, x5, group + 1);
            }

            Keep(a0, b0, scales, tokens[0], block);
            Keep(a1, b1, scales, tokens[1], block);
            Keep(a2, b2, scales, tokens[2], block);
            Keep(a3, b3, scales, tokens[3], block);
            Keep(a4, b4, scales, tokens[4], block);
            Keep(a5, b5, scales, tokens[5], block);
            x0 += XBytes;
            x1 += XBytes;
            x2 += XBytes;
            x3 += XBytes;
            x4 += XBytes;
            x5 += XBytes;
        }
    }
}
