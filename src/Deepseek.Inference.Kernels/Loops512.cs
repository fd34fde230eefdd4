using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops in vectors of 512 bits: a row of a tile a lane.</summary>
/// <typeparam name="TForm">What the bytes of lines are.</typeparam>
internal readonly unsafe partial struct Loops512<TForm> : IBandLoops
    where TForm : struct, IWeightForm
{
    private const int Tile = TileSource.Rows;
    private const int Line = BandLayout.LineBytes;
    private const int Pieces = Line / BandLayout.PieceBytes;
    private const int XBytes = PreparedActivations.BlockBytes;
    private const int Lanes = ProductShape.Lanes;

    public static int BlocksPerLine => TForm.BlocksPerLine;

    public static int CodeBytes => WordCodes512.Bytes;

    public static int FewTokens => 8; // measured: three in a hundred faster than decoding for eight

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTile(in TileSource tile, float* scales, int blocks, BandToken* tokens, int count, float* sums)
    {
        for (var block = 0; block < blocks; block += TForm.BlocksPerLine)
        {
            var line = TForm.Line(tile, block / TForm.BlocksPerLine);
            Multiply(line, false, scales, block, tokens, count, sums);
            if (TForm.BlocksPerLine == 2 && block + 1 < blocks)
                Multiply(line, true, scales, block + 1, tokens, count, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, int count, float* sums)
    {
        scales += (long)block * Tile;
        sums += block % Lanes * Tile;
        if (count == 1)
            MultiplyOne(line, second, scales, block, tokens, sums);
        else if (count == 2)
            MultiplyTwo(line, second, scales, block, tokens, sums);
        else if (count == 3)
            MultiplyThree(line, second, scales, block, tokens, sums);
        else
            MultiplyFour(line, second, scales, block, tokens, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyOne(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* token, float* sums)
    {
        Vector512<int> a = default, b = default;
        var x = (int*)(token->X + ((long)block * XBytes));
        var ahead = Ahead(line, second);
        for (var end = line + (Pieces * Line); line < end; line += 4 * Line, x += 4)
        {
            Ask(ref ahead);
            Read(line, second).Add(x, ref a, ref b);
            Read(line + Line, second).Add(x + 1, ref a, ref b);
            Read(line + (2 * Line), second).Add(x + 2, ref a, ref b);
            Read(line + (3 * Line), second).Add(x + 3, ref a, ref b);
        }

        Keep(a + b, scales, Vector512.Create(token->Scales[block]), sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyTwo(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, float* sums)
    {
        Vector512<int> a0 = default, b0 = default, a1 = default, b1 = default;
        int* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block);
        var ahead = Ahead(line, second);
        for (var end = line + (Pieces * Line); line < end; line += 4 * Line, x0 += 4, x1 += 4)
        {
            Ask(ref ahead);
            for (var piece = 0; piece < 4; piece++)
            {
                var weights = Read(line + (piece * Line), second);
                weights.Add(x0 + piece, ref a0, ref b0);
                weights.Add(x1 + piece, ref a1, ref b1);
            }
        }

        Keep(a0 + b0, scales, Vector512.Create(tokens[0].Scales[block]), sums);
        Keep(a1 + b1, scales, Vector512.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyThree(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, float* sums)
    {
        Vector512<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default;
        int* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block), x2 = X(tokens, 2, block);
        var ahead = Ahead(line, second);
        for (nint piece = 0; piece < Pieces; piece++)
        {
            if (piece % 4 == 0)
                Ask(ref ahead);
            var weights = Read(line + (piece * Line), second);
            weights.Add(x0 + piece, ref a0, ref b0);
            weights.Add(x1 + piece, ref a1, ref b1);
            weights.Add(x2 + piece, ref a2, ref b2);
        }

        Keep(a0 + b0, scales, Vector512.Create(tokens[0].Scales[block]), sums);
        Keep(a1 + b1, scales, Vector512.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
        Keep(a2 + b2, scales, Vector512.Create(tokens[2].Scales[block]), sums + (2 * Lanes * Tile));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyFour(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, float* sums)
    {
        Vector512<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        int* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block), x2 = X(tokens, 2, block), x3 = X(tokens, 3, block);
        var ahead = Ahead(line, second);
        for (nint piece = 0; piece < Pieces; piece++)
        {
            if (piece % 4 == 0)
                Ask(ref ahead);
            var weights = Read(line + (piece * Line), second);
            weights.Add(x0 + piece, ref a0, ref b0);
            weights.Add(x1 + piece, ref a1, ref b1);
            weights.Add(x2 + piece, ref a2, ref b2);
            weights.Add(x3 + piece, ref a3, ref b3);
        }

        Keep(a0 + b0, scales, Vector512.Create(tokens[0].Scales[block]), sums);
        Keep(a1 + b1, scales, Vector512.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
        Keep(a2 + b2, scales, Vector512.Create(tokens[2].Scales[block]), sums + (2 * Lanes * Tile));
        Keep(a3 + b3, scales, Vector512.Create(tokens[3].Scales[block]), sums + (3 * Lanes * Tile));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int* X(BandToken* tokens, int token, int block) => (int*)(tokens[token].X + ((long)block * XBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WordCodes512 Read(byte* rows, [ConstantExpected] bool second) => TForm.Read(Vector512.Load((ushort*)rows), second);

    /// <summary>What a block's products ask for meanwhile: half of a line of 16 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Ahead(byte* line, bool second) => line + BandProducts.Ahead + (second ? Pieces / 2 * Line : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(ref byte* ahead)
    {
        if (TForm.BlocksPerLine == 2)
            BandProducts.PrefetchTwo(ahead);
        ahead += 2 * Line;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector512<int> blocks, float* scales, Vector512<float> scale, float* sums) =>
        Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(blocks), Vector512.Load(scales) * scale, Vector512.Load(sums)).Store(sums);
}
