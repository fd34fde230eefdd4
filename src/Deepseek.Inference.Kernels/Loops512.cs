using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops in vectors of 512 bits: an even block's eight lanes and the next, odd block's share a vector.</summary>
/// <typeparam name="TForm">Where blocks lie in lines.</typeparam>
internal readonly unsafe struct Loops512<TForm> : IBandLoops
    where TForm : struct, IWeightForm
{
    private const int Line = BandLayout.LineBytes;
    private const int TileLine = BandLayout.TileRows * Line;
    private const int XBytes = PreparedActivations.BlockBytes;
    private const int Chunk = ProductShape.ChunkBlocks;

    public static int BlocksPerLine => TForm.BlocksPerLine;

    public static int CodeBytes => WordCodes512.Bytes;

    private static int SecondLine => TForm.BlocksPerLine == 2 ? 0 : TileLine;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyRows(byte* line, byte* x, float* factors, int blocks, float* sums)
    {
        var second = factors + blocks;
        Vector512<float> a = default, b = default;
        var block = 0;
        for (; block + 1 < blocks; block += 2, line += SecondLine + TileLine, x += 2 * XBytes)
        {
            Prefetch(line);
            a = Add(a, TForm.Read512(line, false).Multiply(x), TForm.Read512(line + SecondLine, true).Multiply(x + XBytes), factors + block);
            b = Add(b, TForm.Read512(line + Line, false).Multiply(x), TForm.Read512(line + SecondLine + Line, true).Multiply(x + XBytes), second + block);
        }

        if (block < blocks)
        {
            a = AddLast(a, TForm.Read512(line, false).Multiply(x), factors[block]);
            b = AddLast(b, TForm.Read512(line + Line, false).Multiply(x), second[block]);
        }

        (sums[0], sums[1]) = (Sum(a), Sum(b));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyRows(byte* line, byte* x, byte* other, float* factors, float* otherFactors, int blocks, float* sums)
    {
        var second = factors + blocks;
        var otherSecond = otherFactors + blocks;
        Vector512<float> a = default, b = default, c = default, d = default;
        var block = 0;
        for (; block + 1 < blocks; block += 2, line += SecondLine + TileLine, x += 2 * XBytes, other += 2 * XBytes)
        {
            Prefetch(line);
            var (even, odd) = (TForm.Read512(line, false), TForm.Read512(line + SecondLine, true));
            a = Add(a, even.Multiply(x), odd.Multiply(x + XBytes), factors + block);
            c = Add(c, even.Multiply(other), odd.Multiply(other + XBytes), otherFactors + block);
            (even, odd) = (TForm.Read512(line + Line, false), TForm.Read512(line + SecondLine + Line, true));
            b = Add(b, even.Multiply(x), odd.Multiply(x + XBytes), second + block);
            d = Add(d, even.Multiply(other), odd.Multiply(other + XBytes), otherSecond + block);
        }

        if (block < blocks)
        {
            var codes = TForm.Read512(line, false);
            a = AddLast(a, codes.Multiply(x), factors[block]);
            c = AddLast(c, codes.Multiply(other), otherFactors[block]);
            codes = TForm.Read512(line + Line, false);
            b = AddLast(b, codes.Multiply(x), second[block]);
            d = AddLast(d, codes.Multiply(other), otherSecond[block]);
        }

        (sums[0], sums[1]) = (Sum(a), Sum(b));
        (sums[BandLayout.TileRows], sums[BandLayout.TileRows + 1]) = (Sum(c), Sum(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Decode(byte* line, int blocks, byte* destination)
    {
        for (var block = 0; block < blocks; block += TForm.BlocksPerLine, line += TileLine, destination += TForm.BlocksPerLine * WordCodes512.Bytes)
        {
            Prefetch(line);
            for (var row = 0; row < BandLayout.TileRows; row++)
            {
                var to = destination + (row * Chunk * WordCodes512.Bytes);
                TForm.Read512(line + (row * Line), false).Store(to);
                if (TForm.BlocksPerLine == 2)
                    TForm.Read512(line + (row * Line), true).Store(to + WordCodes512.Bytes);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyChunk(byte* codes, int rows, int blocks, in ChunkToken first, in ChunkToken second)
    {
        for (var row = 0; row < rows; row += 2)
        {
            var (at, factor, lane) = (row * Chunk * WordCodes512.Bytes, row * blocks, row * ProductShape.Lanes);
            if (second.X is null)
                AddRows(codes + at, first.X, first.Factors + factor, blocks, first.Sums + lane);
            else
                AddRows(codes + at, first.X, second.X, first.Factors + factor, second.Factors + factor, blocks, first.Sums + lane, second.Sums + lane);
        }
    }

    /// <summary>Two rows and one token.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRows(byte* codes, byte* x, float* factors, int blocks, float* sums)
    {
        var row = codes + (Chunk * WordCodes512.Bytes);
        var second = factors + blocks;
        var (a, b) = (Vector512.Load(sums), Vector512.Load(sums + ProductShape.Lanes));
        var block = 0;
        for (; block + 1 < blocks; block += 2, codes += 2 * WordCodes512.Bytes, row += 2 * WordCodes512.Bytes, x += 2 * XBytes)
        {
            a = Add(a, WordCodes512.Load(codes).Multiply(x), WordCodes512.Load(codes + WordCodes512.Bytes).Multiply(x + XBytes), factors + block);
            b = Add(b, WordCodes512.Load(row).Multiply(x), WordCodes512.Load(row + WordCodes512.Bytes).Multiply(x + XBytes), second + block);
        }

        if (block < blocks)
        {
            a = AddLast(a, WordCodes512.Load(codes).Multiply(x), factors[block]);
            b = AddLast(b, WordCodes512.Load(row).Multiply(x), second[block]);
        }

        a.Store(sums);
        b.Store(sums + ProductShape.Lanes);
    }

    /// <summary>Two rows and two tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRows(byte* codes, byte* x, byte* other, float* factors, float* otherFactors, int blocks, float* sums, float* otherSums)
    {
        const int Next = WordCodes512.Bytes;
        var row = codes + (Chunk * Next);
        var second = factors + blocks;
        var otherSecond = otherFactors + blocks;
        var (a, b) = (Vector512.Load(sums), Vector512.Load(sums + ProductShape.Lanes));
        var (c, d) = (Vector512.Load(otherSums), Vector512.Load(otherSums + ProductShape.Lanes));
        var block = 0;
        for (; block + 1 < blocks; block += 2, codes += 2 * Next, row += 2 * Next, x += 2 * XBytes, other += 2 * XBytes)
        {
            var (even, odd) = (WordCodes512.Load(codes), WordCodes512.Load(codes + Next));
            a = Add(a, even.Multiply(x), odd.Multiply(x + XBytes), factors + block);
            c = Add(c, even.Multiply(other), odd.Multiply(other + XBytes), otherFactors + block);
            (even, odd) = (WordCodes512.Load(row), WordCodes512.Load(row + Next));
            b = Add(b, even.Multiply(x), odd.Multiply(x + XBytes), second + block);
            d = Add(d, even.Multiply(other), odd.Multiply(other + XBytes), otherSecond + block);
        }

        if (block < blocks)
        {
            a = AddLast(a, WordCodes512.Load(codes).Multiply(x), factors[block]);
            b = AddLast(b, WordCodes512.Load(row).Multiply(x), second[block]);
            c = AddLast(c, WordCodes512.Load(codes).Multiply(other), otherFactors[block]);
            d = AddLast(d, WordCodes512.Load(row).Multiply(other), otherSecond[block]);
        }

        a.Store(sums);
        b.Store(sums + ProductShape.Lanes);
        c.Store(otherSums);
        d.Store(otherSums + ProductShape.Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add(Vector512<float> sums, Vector512<int> even, Vector512<int> odd, float* factors) =>
        Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(Avx512Words.AddHalves(even, odd)), Avx512Words.EightOfEach(factors), sums);

    /// <summary>A block without an odd neighbour: the odd lanes stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> AddLast(Vector512<float> sums, Vector512<int> even, float factor)
    {
        var products = Vector256.ConvertToSingle(even.GetLower() + even.GetUpper());
        return sums.WithLower(Vector256.FusedMultiplyAdd(products, Vector256.Create(factor), sums.GetLower()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum(Vector512<float> lanes) => LaneSum.Of(lanes.GetLower() + lanes.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* line)
    {
        if (!Sse.IsSupported)
            return; // where this code stands in for instructions that are absent

        Sse.Prefetch0(line + BandProducts.Ahead);
        Sse.Prefetch0(line + BandProducts.Ahead + Line);
        Sse.Prefetch0(line + BandProducts.Ahead + (2 * Line));
        Sse.Prefetch0(line + BandProducts.Ahead + (3 * Line));
    }
}
