using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops in vectors of 256 bits.</summary>
/// <typeparam name="TForm">Where blocks lie in lines.</typeparam>
/// <typeparam name="TCodes">A block's weights.</typeparam>
internal readonly unsafe partial struct Loops256<TForm, TCodes> : IBandLoops
    where TForm : struct, IWeightForm
    where TCodes : struct, IProductCodes<TCodes>
{
    private const int Tile = BandLayout.TileRows;
    private const int TileLine = Tile * BandLayout.LineBytes;
    private const int XBytes = PreparedActivations.BlockBytes;
    private const int Lanes = ProductShape.Lanes;

    public static int BlocksPerLine => TForm.BlocksPerLine;

    public static int CodeBytes => TCodes.Bytes;

    public static int FewTokens => 4; // measured: from five on

    /// <summary>From the line of a block with an even number to that of the next but one.</summary>
    private static int PairLines
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 / TForm.BlocksPerLine * TileLine;
    }

    /// <summary>Lines that a row has of eight blocks.</summary>
    private static int GroupLines
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Lanes / TForm.BlocksPerLine;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTile(byte* line, in TileToken token, int blocks, float* sums)
    {
        new Span<float>(sums, Tile * Lanes).Clear();
        var x = token.X;
        var factors = token.Factors;
        for (; blocks >= Lanes; blocks -= Lanes, line += Lanes / 2 * PairLines, x += Lanes * XBytes, sums -= Tile * Lanes)
        {
            var end = line + TileLine;
            var stream = line;
            for (var at = line; at < end; at += BandLayout.LineBytes, stream += GroupLines * BandLayout.LineBytes, sums += Lanes, factors += Lanes)
            {
                BandProducts.PrefetchLines(stream, GroupLines);
                var four = LaneSum.Four(Pair(at, x, 0), Pair(at, x, 1));
                var next = LaneSum.Four(Pair(at, x, 2), Pair(at, x, 3));
                Add(sums, LaneSum.Eight(four, next), factors);
            }
        }

        if (blocks > 0)
            AddLast(line, x, factors, blocks, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTile(byte* line, in TileToken first, in TileToken second, int blocks, float* sums)
    {
        new Span<float>(sums, 2 * Tile * Lanes).Clear();
        byte* x = first.X, other = second.X;
        float* factors = first.Factors, otherFactors = second.Factors;
        for (; blocks >= Lanes; blocks -= Lanes, line += Lanes / 2 * PairLines, x += Lanes * XBytes, other += Lanes * XBytes, sums -= Tile * Lanes)
        {
            var end = line + TileLine;
            var stream = line;
            for (var at = line; at < end; at += BandLayout.LineBytes, stream += GroupLines * BandLayout.LineBytes, sums += Lanes, factors += Lanes, otherFactors += Lanes)
            {
                BandProducts.PrefetchLines(stream, GroupLines);
                var (p0, q0) = Fours(at, x, other, 0);
                var (p1, q1) = Fours(at, x, other, 2);
                Add(sums, LaneSum.Eight(p0, p1), factors);
                Add(sums + (Tile * Lanes), LaneSum.Eight(q0, q1), otherFactors);
            }
        }

        if (blocks > 0)
        {
            AddLast(line, x, factors, blocks, sums);
            AddLast(line, other, otherFactors, blocks, sums + (Tile * Lanes));
        }
    }

    /// <summary>Two blocks' sums, two lanes of each part. The pair is a constant: so places are parts of instructions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Pair(byte* line, byte* x, int pair)
    {
        // Both blocks from one load, where they share a line.
        var (a, b) = (Vector256.Load(line + (pair * PairLines)), Vector256.Load(line + ((pair * PairLines) + 32)));
        var first = TForm.Read<TCodes>(a, b, false).Multiply(x, 2 * pair * XBytes);
        if (TForm.BlocksPerLine == 1)
            (a, b) = (Vector256.Load(line + ((pair * PairLines) + TileLine)), Vector256.Load(line + ((pair * PairLines) + TileLine + 32)));
        return LaneSum.Two(first, TForm.Read<TCodes>(a, b, true).Multiply(x, ((2 * pair) + 1) * XBytes));
    }

    /// <summary>Two blocks' sums of two tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<int> First, Vector256<int> Second) Pairs(byte* line, byte* x, byte* other, int pair)
    {
        var (a, b) = (Vector256.Load(line + (pair * PairLines)), Vector256.Load(line + ((pair * PairLines) + 32)));
        var weights = TForm.Read<TCodes>(a, b, false);
        var (p, q) = (weights.Multiply(x, 2 * pair * XBytes), weights.Multiply(other, 2 * pair * XBytes));
        if (TForm.BlocksPerLine == 1)
            (a, b) = (Vector256.Load(line + ((pair * PairLines) + TileLine)), Vector256.Load(line + ((pair * PairLines) + TileLine + 32)));
        weights = TForm.Read<TCodes>(a, b, true);
        return (LaneSum.Two(p, weights.Multiply(x, ((2 * pair) + 1) * XBytes)), LaneSum.Two(q, weights.Multiply(other, ((2 * pair) + 1) * XBytes)));
    }

    /// <summary>Four blocks' sums, a lane of each part, of two tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<int> First, Vector256<int> Second) Fours(byte* line, byte* x, byte* other, int pair)
    {
        var (p, q) = Pairs(line, x, other, pair);
        var (r, s) = Pairs(line, x, other, pair + 1);
        return (LaneSum.Four(p, r), LaneSum.Four(q, s));
    }

    /// <summary>Adds the last blocks of a tile's rows, fewer than eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddLast(byte* line, byte* x, float* factors, int blocks, float* sums)
    {
        for (var row = 0; row < Tile; row++, line += BandLayout.LineBytes, factors += Lanes, sums += Lanes)
            Add(sums, Last(line, x, blocks), factors);
    }

    /// <summary>The sums of the last blocks of a row, fewer than eight; the others' are 0.</summary>
    private static Vector256<int> Last(byte* line, byte* x, int blocks)
    {
        Vector256<int> a = default, b = default, c = default, d = default;
        if (blocks >= 2)
            a = Pair(line, x, 0);
        if (blocks >= 4)
            b = Pair(line, x, 1);
        if (blocks >= 6)
            c = Pair(line, x, 2);
        if (blocks % 2 == 1)
        {
            var pair = blocks / 2;
            var at = line + (pair * PairLines);
            var last = LaneSum.Two(TForm.Read<TCodes>(Vector256.Load(at), Vector256.Load(at + 32), false).Multiply(x, 2 * pair * XBytes), default);
            (a, b, c, d) = pair == 0 ? (last, b, c, d) : pair == 1 ? (a, last, c, d) : pair == 2 ? (a, b, last, d) : (a, b, c, last);
        }

        return LaneSum.Eight(LaneSum.Four(a, b), LaneSum.Four(c, d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sums, Vector256<int> blocks, float* factors) =>
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(blocks), Vector256.Load(factors), Vector256.Load(sums)).Store(sums);
}
