using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops in vectors of 512 bits.</summary>
/// <typeparam name="TForm">Where blocks lie in lines.</typeparam>
internal readonly unsafe partial struct Loops512<TForm> : IBandLoops
    where TForm : struct, IWeightForm
{
    private const int Tile = BandLayout.TileRows;
    private const int TileLine = Tile * BandLayout.LineBytes;
    private const int XBytes = PreparedActivations.BlockBytes;
    private const int Lanes = ProductShape.Lanes;

    public static int BlocksPerLine => TForm.BlocksPerLine;

    public static int CodeBytes => WordCodes512.Bytes;

    public static int FewTokens => 8; // by counting instructions

    private static int SecondLine
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TForm.BlocksPerLine == 2 ? 0 : TileLine;
    }

    private static int PairLines
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => SecondLine + TileLine;
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
                var four = Avx512Words.Four(Pair(at, x), Pair(at + PairLines, x + (2 * XBytes)));
                var next = Avx512Words.Four(Pair(at + (2 * PairLines), x + (4 * XBytes)), Pair(at + (3 * PairLines), x + (6 * XBytes)));
                Add(sums, Avx512Words.Eight(four, next), factors);
            }
        }

        if (blocks > 0)
            AddLast(line, x, factors, blocks, sums);
    }

    // Two by two: with twice the width decoding is half the work.
    public static void MultiplyTile(byte* line, TileToken* tokens, int blocks, float* sums)
    {
        MultiplyTile(line, tokens[0], tokens[1], blocks, sums);
        MultiplyTile(line, tokens[2], tokens[3], blocks, sums + (2 * Tile * Lanes));
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
                var (p0, q0) = Fours(at, x, other);
                var (p1, q1) = Fours(at + (2 * PairLines), x + (4 * XBytes), other + (4 * XBytes));
                Add(sums, Avx512Words.Eight(p0, p1), factors);
                Add(sums + (Tile * Lanes), Avx512Words.Eight(q0, q1), otherFactors);
            }
        }

        if (blocks > 0)
        {
            AddLast(line, x, factors, blocks, sums);
            AddLast(line, other, otherFactors, blocks, sums + (Tile * Lanes));
        }
    }

    /// <summary>Two blocks' sums, two lanes of each part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Pair(byte* line, byte* x) =>
        Avx512Words.Two(TForm.Read512(line, false).Multiply(x), TForm.Read512(line + SecondLine, true).Multiply(x + XBytes));

    /// <summary>Four blocks' sums, a lane of each part, of two tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<int> First, Vector512<int> Second) Fours(byte* line, byte* x, byte* other)
    {
        var (a, b) = (TForm.Read512(line, false), TForm.Read512(line + SecondLine, true));
        var (p, q) = (Avx512Words.Two(a.Multiply(x), b.Multiply(x + XBytes)), Avx512Words.Two(a.Multiply(other), b.Multiply(other + XBytes)));
        (a, b) = (TForm.Read512(line + PairLines, false), TForm.Read512(line + PairLines + SecondLine, true));
        return (
            Avx512Words.Four(p, Avx512Words.Two(a.Multiply(x + (2 * XBytes)), b.Multiply(x + (3 * XBytes)))),
            Avx512Words.Four(q, Avx512Words.Two(a.Multiply(other + (2 * XBytes)), b.Multiply(other + (3 * XBytes)))));
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
        Vector512<int> a = default, b = default, c = default, d = default;
        if (blocks >= 2)
            a = Pair(line, x);
        if (blocks >= 4)
            b = Pair(line + PairLines, x + (2 * XBytes));
        if (blocks >= 6)
            c = Pair(line + (2 * PairLines), x + (4 * XBytes));
        if (blocks % 2 == 1)
        {
            var pair = blocks / 2;
            var last = Avx512Words.Two(TForm.Read512(line + (pair * PairLines), false).Multiply(x + (2 * pair * XBytes)), default);
            (a, b, c, d) = pair == 0 ? (last, b, c, d) : pair == 1 ? (a, last, c, d) : pair == 2 ? (a, b, last, d) : (a, b, c, last);
        }

        return Avx512Words.Eight(Avx512Words.Four(a, b), Avx512Words.Four(c, d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sums, Vector256<int> blocks, float* factors) =>
        Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(blocks), Vector256.Load(factors), Vector256.Load(sums)).Store(sums);
}
