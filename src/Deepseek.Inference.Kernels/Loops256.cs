using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops in vectors of 256 bits: even and odd blocks have sums of their own.</summary>
/// <typeparam name="TForm">Where blocks lie in lines.</typeparam>
/// <typeparam name="TCodes">A block's weights.</typeparam>
internal readonly unsafe struct Loops256<TForm, TCodes> : IBandLoops
    where TForm : struct, IWeightForm
    where TCodes : struct, IProductCodes<TCodes>
{
    private const int Line = BandLayout.LineBytes;
    private const int TileLine = BandLayout.TileRows * Line;
    private const int XBytes = PreparedActivations.BlockBytes;
    private const int Chunk = ProductShape.ChunkBlocks;
    private const int Half = ProductShape.BlockLanes;

    public static int BlocksPerLine => TForm.BlocksPerLine;

    public static int CodeBytes => TCodes.Bytes;

    private static int SecondLine => TForm.BlocksPerLine == 2 ? 0 : TileLine;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyRows(byte* line, byte* x, float* factors, int blocks, float* sums)
    {
        var second = factors + blocks;
        Vector256<float> even = default, odd = default, secondEven = default, secondOdd = default;
        var block = 0;
        for (; block + 1 < blocks; block += 2, line += SecondLine + TileLine, x += 2 * XBytes)
        {
            Prefetch(line);
            even = Add(even, TForm.Read<TCodes>(line, false).Multiply(x), factors[block]);
            secondEven = Add(secondEven, TForm.Read<TCodes>(line + Line, false).Multiply(x), second[block]);
            odd = Add(odd, TForm.Read<TCodes>(line + SecondLine, true).Multiply(x + XBytes), factors[block + 1]);
            secondOdd = Add(secondOdd, TForm.Read<TCodes>(line + SecondLine + Line, true).Multiply(x + XBytes), second[block + 1]);
        }

        if (block < blocks)
        {
            even = Add(even, TForm.Read<TCodes>(line, false).Multiply(x), factors[block]);
            secondEven = Add(secondEven, TForm.Read<TCodes>(line + Line, false).Multiply(x), second[block]);
        }

        sums[0] = Sum(even + odd);
        sums[1] = Sum(secondEven + secondOdd);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyRows(byte* line, byte* x, byte* other, float* factors, float* otherFactors, int blocks, float* sums)
    {
        var (a, b) = MultiplyRow(line, x, other, factors, otherFactors, blocks);
        (sums[0], sums[BandLayout.TileRows]) = (a, b);
        (a, b) = MultiplyRow(line + Line, x, other, factors + blocks, otherFactors + blocks, blocks);
        (sums[1], sums[BandLayout.TileRows + 1]) = (a, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Decode(byte* line, int blocks, byte* destination)
    {
        for (var block = 0; block < blocks; block += TForm.BlocksPerLine, line += TileLine, destination += TForm.BlocksPerLine * TCodes.Bytes)
        {
            Prefetch(line);
            for (var row = 0; row < BandLayout.TileRows; row++)
            {
                var to = destination + (row * Chunk * TCodes.Bytes);
                TForm.Read<TCodes>(line + (row * Line), false).Store(to);
                if (TForm.BlocksPerLine == 2)
                    TForm.Read<TCodes>(line + (row * Line), true).Store(to + TCodes.Bytes);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyChunk(byte* codes, int rows, int blocks, in ChunkToken first, in ChunkToken second)
    {
        if (second.X is null)
        {
            MultiplyChunk(codes, rows, blocks, first);
            return;
        }

        for (var pair = 0; pair < 2 * (rows / 2); pair++)
        {
            // Of two rows the even blocks, then the odd ones: their four sums, and two tokens' activations, stay in registers.
            var (row, parity) = (pair & ~1, pair & 1);
            var at = codes + (((row * Chunk) + parity) * TCodes.Bytes);
            var x = first.X + (parity * XBytes);
            var other = second.X + (parity * XBytes);
            var factors = first.Factors + (row * blocks);
            var otherFactors = second.Factors + (row * blocks);
            var sums = first.Sums + (row * ProductShape.Lanes) + (parity * Half);
            var otherSums = second.Sums + (row * ProductShape.Lanes) + (parity * Half);
            var (a, b) = (Vector256.Load(sums), Vector256.Load(sums + ProductShape.Lanes));
            var (c, d) = (Vector256.Load(otherSums), Vector256.Load(otherSums + ProductShape.Lanes));
            for (var block = parity; block < blocks; block += 2, at += 2 * TCodes.Bytes, x += 2 * XBytes, other += 2 * XBytes)
            {
                var weights = TCodes.Load(at);
                a = Add(a, weights.Multiply(x), factors[block]);
                c = Add(c, weights.Multiply(other), otherFactors[block]);
                weights = TCodes.Load(at + (Chunk * TCodes.Bytes));
                b = Add(b, weights.Multiply(x), factors[blocks + block]);
                d = Add(d, weights.Multiply(other), otherFactors[blocks + block]);
            }

            a.Store(sums);
            b.Store(sums + ProductShape.Lanes);
            c.Store(otherSums);
            d.Store(otherSums + ProductShape.Lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyChunk(byte* codes, int rows, int blocks, in ChunkToken token)
    {
        for (var pair = 0; pair < 2 * (rows / 2); pair++)
        {
            var (row, parity) = (pair & ~1, pair & 1);
            var at = codes + (row * Chunk * TCodes.Bytes);
            var factors = token.Factors + (row * blocks);
            var sums = token.Sums + (row * ProductShape.Lanes) + (parity * Half);
            var (a, b) = (Vector256.Load(sums), Vector256.Load(sums + ProductShape.Lanes));
            for (var block = parity; block < blocks; block += 2)
            {
                a = Add(a, TCodes.Load(at + (block * TCodes.Bytes)).Multiply(token.X + (block * XBytes)), factors[block]);
                b = Add(b, TCodes.Load(at + ((Chunk + block) * TCodes.Bytes)).Multiply(token.X + (block * XBytes)), factors[blocks + block]);
            }

            a.Store(sums);
            b.Store(sums + ProductShape.Lanes);
        }
    }

    /// <summary>One row and two tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float First, float Second) MultiplyRow(byte* line, byte* x, byte* other, float* factors, float* otherFactors, int blocks)
    {
        Vector256<float> even = default, odd = default, otherEven = default, otherOdd = default;
        var block = 0;
        for (; block + 1 < blocks; block += 2, line += SecondLine + TileLine, x += 2 * XBytes, other += 2 * XBytes)
        {
            Prefetch(line);
            var codes = TForm.Read<TCodes>(line, false);
            even = Add(even, codes.Multiply(x), factors[block]);
            otherEven = Add(otherEven, codes.Multiply(other), otherFactors[block]);
            codes = TForm.Read<TCodes>(line + SecondLine, true);
            odd = Add(odd, codes.Multiply(x + XBytes), factors[block + 1]);
            otherOdd = Add(otherOdd, codes.Multiply(other + XBytes), otherFactors[block + 1]);
        }

        if (block < blocks)
        {
            var codes = TForm.Read<TCodes>(line, false);
            even = Add(even, codes.Multiply(x), factors[block]);
            otherEven = Add(otherEven, codes.Multiply(other), otherFactors[block]);
        }

        return (Sum(even + odd), Sum(otherEven + otherOdd));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(Vector256<float> sums, Vector256<int> products, float factor) =>
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(products), Vector256.Create(factor), sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum(Vector256<float> lanes) => LaneSum.Of(lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* line)
    {
        Sse.Prefetch0(line + BandProducts.Ahead);
        Sse.Prefetch0(line + BandProducts.Ahead + Line);
        Sse.Prefetch0(line + BandProducts.Ahead + (2 * Line));
        Sse.Prefetch0(line + BandProducts.Ahead + (3 * Line));
    }
}
