using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Four tokens as the weights stream by: a block is decoded once, and multiplied four times from registers.
internal readonly unsafe partial struct Loops256<TForm, TCodes>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTile(byte* line, TileToken* tokens, int blocks, float* sums)
    {
        new Span<float>(sums, 4 * Tile * Lanes).Clear();
        byte* x0 = tokens[0].X, x1 = tokens[1].X, x2 = tokens[2].X, x3 = tokens[3].X;
        float* f0 = tokens[0].Factors, f1 = tokens[1].Factors, f2 = tokens[2].Factors, f3 = tokens[3].Factors;
        for (; blocks >= Lanes; blocks -= Lanes, line += Lanes / 2 * PairLines, sums -= Tile * Lanes)
        {
            var end = line + TileLine;
            var stream = line;
            for (var at = line; at < end; at += BandLayout.LineBytes, stream += GroupLines * BandLayout.LineBytes, sums += Lanes, f0 += Lanes, f1 += Lanes, f2 += Lanes, f3 += Lanes)
            {
                BandProducts.PrefetchLines(stream, GroupLines);
                var four = Fours(at, x0, x1, x2, x3, 0);
                var next = Fours(at, x0, x1, x2, x3, 2);
                Add(sums, LaneSum.Eight(four.A, next.A), f0);
                Add(sums + (Tile * Lanes), LaneSum.Eight(four.B, next.B), f1);
                Add(sums + (2 * Tile * Lanes), LaneSum.Eight(four.C, next.C), f2);
                Add(sums + (3 * Tile * Lanes), LaneSum.Eight(four.D, next.D), f3);
            }

            x0 += Lanes * XBytes;
            x1 += Lanes * XBytes;
            x2 += Lanes * XBytes;
            x3 += Lanes * XBytes;
        }

        if (blocks > 0)
        {
            AddLast(line, x0, f0, blocks, sums);
            AddLast(line, x1, f1, blocks, sums + (Tile * Lanes));
            AddLast(line, x2, f2, blocks, sums + (2 * Tile * Lanes));
            AddLast(line, x3, f3, blocks, sums + (3 * Tile * Lanes));
        }
    }

    /// <summary>Four blocks' sums of four tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<int> A, Vector256<int> B, Vector256<int> C, Vector256<int> D) Fours(byte* line, byte* x0, byte* x1, byte* x2, byte* x3, int pair)
    {
        var first = Pairs(line, x0, x1, x2, x3, pair);
        var second = Pairs(line, x0, x1, x2, x3, pair + 1);
        return (LaneSum.Four(first.A, second.A), LaneSum.Four(first.B, second.B), LaneSum.Four(first.C, second.C), LaneSum.Four(first.D, second.D));
    }

    /// <summary>Two blocks' sums of four tokens; one block's weights are in registers at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<int> A, Vector256<int> B, Vector256<int> C, Vector256<int> D) Pairs(byte* line, byte* x0, byte* x1, byte* x2, byte* x3, int pair)
    {
        var (even, odd) = (2 * pair * XBytes, ((2 * pair) + 1) * XBytes);
        var weights = TForm.Read<TCodes>(Vector256.Load(line + (pair * PairLines)), Vector256.Load(line + ((pair * PairLines) + 32)), false);
        var (a, b, c, d) = (weights.Multiply(x0, even), weights.Multiply(x1, even), weights.Multiply(x2, even), weights.Multiply(x3, even));
        var second = (pair * PairLines) + (TForm.BlocksPerLine == 1 ? TileLine : 0);
        weights = TForm.Read<TCodes>(Vector256.Load(line + second), Vector256.Load(line + (second + 32)), true);
        return (
            LaneSum.Two(a, weights.Multiply(x0, odd)), LaneSum.Two(b, weights.Multiply(x1, odd)),
            LaneSum.Two(c, weights.Multiply(x2, odd)), LaneSum.Two(d, weights.Multiply(x3, odd)));
    }
}
