using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Many tokens: 16 rows in two vectors of lanes. What four and six of them do is written out in files of its own.
internal readonly unsafe partial struct Loops256<TForm, TCodes>
{
    private const int Rows = 8;

    private static int Groups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TCodes.Bytes / sizeof(int);
    }

    public static void Interleave(byte** lines, byte* scratch, byte* destination)
    {
        for (var first = 0; first < GroupRows; first += Rows)
        {
            for (var part = 0; part < BandLayout.LineBytes; part += Vector256<byte>.Count, destination += Rows * TCodes.Bytes / 2)
            {
                LaneSum.Transpose(lines + first, part, scratch);
                StorePart(scratch, destination);
            }
        }
    }

    /// <summary>Writes what eight rows have in 32 bytes of a line. Written out, so that places are constants.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StorePart(byte* turned, byte* destination)
    {
        TForm.Store<TCodes>(Vector256.Load(turned), 0, destination, GroupRows * TCodes.Bytes);
        TForm.Store<TCodes>(Vector256.Load(turned + 32), 1, destination, GroupRows * TCodes.Bytes);
        TForm.Store<TCodes>(Vector256.Load(turned + 64), 2, destination, GroupRows * TCodes.Bytes);
        TForm.Store<TCodes>(Vector256.Load(turned + 96), 3, destination, GroupRows * TCodes.Bytes);
        TForm.Store<TCodes>(Vector256.Load(turned + 128), 4, destination, GroupRows * TCodes.Bytes);
        TForm.Store<TCodes>(Vector256.Load(turned + 160), 5, destination, GroupRows * TCodes.Bytes);
        TForm.Store<TCodes>(Vector256.Load(turned + 192), 6, destination, GroupRows * TCodes.Bytes);
        TForm.Store<TCodes>(Vector256.Load(turned + 224), 7, destination, GroupRows * TCodes.Bytes);
    }

    public static void MultiplyChunk(byte* codes, float* scales, int first, int blocks, ChunkToken* tokens, int count)
    {
        switch (count)
        {
            case 6:
                MultiplySix(codes, scales, first, blocks, tokens);
                break;
            case 4:
                MultiplyFour(codes, scales, first, blocks, tokens);
                break;
            case 2:
                MultiplyTwo(codes, scales, first, blocks, tokens);
                break;
            default:
                MultiplyOne(codes, scales, first, blocks, tokens);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTwo(byte* codes, float* scales, int first, int blocks, ChunkToken* tokens)
    {
        byte* x0 = tokens[0].X + ((long)first * XBytes), x1 = tokens[1].X + ((long)first * XBytes);
        for (var block = first; block < first + blocks; block++, x0 += XBytes, x1 += XBytes, codes += Rows * TCodes.Bytes, scales += 2 * Rows)
        {
            Vector256<int> a0 = TCodes.Begin(x0), b0 = a0, a1 = TCodes.Begin(x1), b1 = a1;
            for (nint group = 0; group < Groups; group++, codes += Vector256<byte>.Count)
            {
                var (w, v) = (Vector256.Load(codes), Vector256.Load(codes + (Rows * TCodes.Bytes)));
                AddOne(ref a0, ref b0, w, v, x0, group);
                AddOne(ref a1, ref b1, w, v, x1, group);
            }

            Keep(a0, b0, scales, tokens[0], block);
            Keep(a1, b1, scales, tokens[1], block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOne(byte* codes, float* scales, int first, int blocks, ChunkToken* tokens)
    {
        var x0 = tokens[0].X + ((long)first * XBytes);
        for (var block = first; block < first + blocks; block++, x0 += XBytes, codes += Rows * TCodes.Bytes, scales += 2 * Rows)
        {
            Vector256<int> a0 = TCodes.Begin(x0), b0 = a0;
            for (nint group = 0; group < Groups; group++, codes += Vector256<byte>.Count)
                AddOne(ref a0, ref b0, Vector256.Load(codes), Vector256.Load(codes + (Rows * TCodes.Bytes)), x0, group);

            Keep(a0, b0, scales, tokens[0], block);
        }
    }

    /// <summary>A token's products with two vectors of rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddOne(ref Vector256<int> a, ref Vector256<int> b, Vector256<byte> w, Vector256<byte> v, byte* x, nint group)
    {
        var (operand, second) = (TCodes.Operand(x, group), TCodes.SecondOperand(x, group));
        a = TCodes.Add(a, w, operand, second);
        b = TCodes.Add(b, v, operand, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector256<int> low, Vector256<int> high, float* scales, in ChunkToken token, int block)
    {
        var scale = Vector256.Create(token.Scales[block]);
        var sums = token.Sums + (block % Lanes * 2 * Rows);
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(low), Vector256.Load(scales) * scale, Vector256.Load(sums)).Store(sums);
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(high), Vector256.Load(scales + Rows) * scale, Vector256.Load(sums + Rows)).Store(sums + Rows);
    }
}
