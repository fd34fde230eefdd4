using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops in vectors of 256 bits: half of a tile's rows.</summary>
/// <typeparam name="TForm">What the bytes of lines are.</typeparam>
/// <typeparam name="TCodes">How weights are multiplied.</typeparam>
internal readonly unsafe partial struct Loops256<TForm, TCodes> : IBandLoops
    where TForm : struct, IWeightForm
    where TCodes : struct, IProductCodes<TCodes>
{
    private const int Tile = TileSource.Rows;
    private const int HalfRows = Tile / 2;
    private const int Line = BandLayout.LineBytes;
    private const int Half = Line / 2;
    private const int Pieces = Line / BandLayout.PieceBytes;
    private const int XBytes = PreparedActivations.BlockBytes;
    private const int Lanes = ProductShape.Lanes;

    public static int BlocksPerLine => TForm.BlocksPerLine;

    public static int CodeBytes => TCodes.Bytes;

    public static int FewTokens => 4; // measured: from five on

    [MethodImpl(HotLoop.Options)]
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
        var ahead = line + BandProducts.Ahead + (second ? Pieces / 2 * Line : 0); // half of a line of 16 rows
        for (var half = 0; half < 2; half++, line += Half, ahead += Pieces / 4 * Line, scales += HalfRows, sums += HalfRows)
        {
            if (count == 1)
                MultiplyOne(line, second, ahead, scales, block, tokens, sums);
            else if (count == 2)
                MultiplyTwo(line, second, ahead, scales, block, tokens, sums);
            else if (count == 3)
                MultiplyThree(line, second, ahead, scales, block, tokens, sums);
            else
                MultiplyFour(line, second, ahead, scales, block, tokens, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyOne(byte* line, [ConstantExpected] bool second, byte* ahead, float* scales, int block, BandToken* token, float* sums)
    {
        Vector256<int> a = default, b = default;
        byte* begin = X(token, 0, block), x = begin;
        for (var end = line + (Pieces * Line); line < end; line += 4 * Line, ahead += Line, x += 4 * TCodes.QuadBytes)
        {
            Ask(ahead);
            Read(line, second).Add(x, 0, ref a, ref b);
            Read(line + Line, second).Add(x, 1, ref a, ref b);
            Read(line + (2 * Line), second).Add(x, 2, ref a, ref b);
            Read(line + (3 * Line), second).Add(x, 3, ref a, ref b);
        }

        Keep(TCodes.Sum(a, b, begin), scales, Vector256.Create(token->Scales[block]), sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyTwo(byte* line, [ConstantExpected] bool second, byte* ahead, float* scales, int block, BandToken* tokens, float* sums)
    {
        Vector256<int> a0 = default, b0 = default, a1 = default, b1 = default;
        byte* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block);
        nint at = 0;
        for (var end = line + (Pieces * Line); line < end; line += 2 * Line, at += 2 * TCodes.QuadBytes, ahead += Half)
        {
            Ask(ahead);
            var weights = Read(line, second);
            weights.Add(x0 + at, 0, ref a0, ref b0);
            weights.Add(x1 + at, 0, ref a1, ref b1);
            weights = Read(line + Line, second);
            weights.Add(x0 + at, 1, ref a0, ref b0);
            weights.Add(x1 + at, 1, ref a1, ref b1);
        }

        Keep(TCodes.Sum(a0, b0, x0), scales, Vector256.Create(tokens[0].Scales[block]), sums);
        Keep(TCodes.Sum(a1, b1, x1), scales, Vector256.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyThree(byte* line, [ConstantExpected] bool second, byte* ahead, float* scales, int block, BandToken* tokens, float* sums)
    {
        Vector256<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default;
        byte* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block), x2 = X(tokens, 2, block);
        nint at = 0;
        for (var end = line + (Pieces * Line); line < end; line += 2 * Line, at += 2 * TCodes.QuadBytes, ahead += Half)
        {
            Ask(ahead);
            var weights = Read(line, second);
            weights.Add(x0 + at, 0, ref a0, ref b0);
            weights.Add(x1 + at, 0, ref a1, ref b1);
            weights.Add(x2 + at, 0, ref a2, ref b2);
            weights = Read(line + Line, second);
            weights.Add(x0 + at, 1, ref a0, ref b0);
            weights.Add(x1 + at, 1, ref a1, ref b1);
            weights.Add(x2 + at, 1, ref a2, ref b2);
        }

        Keep(TCodes.Sum(a0, b0, x0), scales, Vector256.Create(tokens[0].Scales[block]), sums);
        Keep(TCodes.Sum(a1, b1, x1), scales, Vector256.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
        Keep(TCodes.Sum(a2, b2, x2), scales, Vector256.Create(tokens[2].Scales[block]), sums + (2 * Lanes * Tile));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyFour(byte* line, [ConstantExpected] bool second, byte* ahead, float* scales, int block, BandToken* tokens, float* sums)
    {
        Vector256<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        byte* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block), x2 = X(tokens, 2, block), x3 = X(tokens, 3, block);
        nint at = 0;
        for (var end = line + (Pieces * Line); line < end; line += 2 * Line, at += 2 * TCodes.QuadBytes, ahead += Half)
        {
            Ask(ahead);
            var weights = Read(line, second);
            weights.Add(x0 + at, 0, ref a0, ref b0);
            weights.Add(x1 + at, 0, ref a1, ref b1);
            weights.Add(x2 + at, 0, ref a2, ref b2);
            weights.Add(x3 + at, 0, ref a3, ref b3);
            weights = Read(line + Line, second);
            weights.Add(x0 + at, 1, ref a0, ref b0);
            weights.Add(x1 + at, 1, ref a1, ref b1);
            weights.Add(x2 + at, 1, ref a2, ref b2);
            weights.Add(x3 + at, 1, ref a3, ref b3);
        }

        Keep(TCodes.Sum(a0, b0, x0), scales, Vector256.Create(tokens[0].Scales[block]), sums);
        Keep(TCodes.Sum(a1, b1, x1), scales, Vector256.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
        Keep(TCodes.Sum(a2, b2, x2), scales, Vector256.Create(tokens[2].Scales[block]), sums + (2 * Lanes * Tile));
        Keep(TCodes.Sum(a3, b3, x3), scales, Vector256.Create(tokens[3].Scales[block]), sums + (3 * Lanes * Tile));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* X(BandToken* tokens, int token, int block) => tokens[token].X + ((long)block * XBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TCodes Read(byte* rows, [ConstantExpected] bool second) => TForm.Read<TCodes>(Vector256.Load(rows), second);

    // Half a line at a time where two to four tokens take two pieces a turn: asking twice costs no more than knowing. Lines of 8 bits are asked for where they are interleaved.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(byte* line)
    {
        if (TForm.BlocksPerLine == 2)
            BandProducts.Ask(line);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector256<int> blocks, float* scales, Vector256<float> scale, float* sums) =>
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(blocks), Vector256.Load(scales) * scale, Vector256.Load(sums)).Store(sums);
}
