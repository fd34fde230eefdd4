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

    public static void MultiplyTile(in TileSource tile, float* scales, int blocks, BandToken* tokens, int count, float* sums)
    {
        if (count == 1)
            MultiplyTile<OneToken>(tile, scales, blocks, tokens, sums);
        else if (count == 2)
            MultiplyTile<TwoTokens>(tile, scales, blocks, tokens, sums);
        else if (count == 3)
            MultiplyTile<ThreeTokens>(tile, scales, blocks, tokens, sums);
        else
            MultiplyTile<FourTokens>(tile, scales, blocks, tokens, sums);
    }

    /// <summary>Some tokens; the compiler inlines a number's loop into a method of its own.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void MultiplyTile<TTokens>(in TileSource tile, float* scales, int blocks, BandToken* tokens, float* sums)
        where TTokens : struct, ITokens
    {
        for (var block = 0; block < blocks; block += TForm.BlocksPerLine)
        {
            var line = TForm.Line(tile, block / TForm.BlocksPerLine);
            TTokens.Multiply(line, false, scales + ((long)block * Tile), block, tokens, sums + (block % Lanes * Tile));
            if (TForm.BlocksPerLine == 2 && block + 1 < blocks)
                TTokens.Multiply(line, true, scales + ((long)(block + 1) * Tile), block + 1, tokens, sums + ((block + 1) % Lanes * Tile));
        }
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
        {
            BandProducts.Ask(ahead);
            BandProducts.Ask(ahead + Line);
        }

        ahead += 2 * Line;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector512<int> blocks, float* scales, Vector512<float> scale, float* sums) =>
        Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(blocks), Vector512.Load(scales) * scale, Vector512.Load(sums)).Store(sums);
}
