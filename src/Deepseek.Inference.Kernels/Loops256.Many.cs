using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Many tokens: 16 rows in two vectors of lanes. Four tokens' sums are eight registers; weights and activations are read once for each.
internal readonly unsafe partial struct Loops256<TForm, TCodes>
{
    private const int Rows = 8;

    private static int Groups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TCodes.Bytes / sizeof(int);
    }

    public static void Interleave(byte** lines, bool second, byte* scratch, byte* destination)
    {
        for (var first = 0; first < GroupRows; first += Rows, destination += Rows * TCodes.Bytes)
        {
            for (var row = 0; row < Rows; row++)
                TForm.Read<TCodes>(lines[first + row], second).Store(scratch + (row * TCodes.Bytes));
            for (var part = 0; part < TCodes.Bytes; part += Vector256<byte>.Count)
                LaneSum.Transpose(scratch + part, TCodes.Bytes, destination + (part * Rows), Rows * sizeof(int));
        }
    }

    public static void MultiplyChunk(byte* codes, float* scales, int firstBlock, int blocks, ChunkToken* tokens, int count)
    {
        for (var block = 0; block < blocks; block++, codes += 2 * Rows * TCodes.Bytes, scales += 2 * Rows)
        {
            var lane = (firstBlock + block) % Lanes;
            switch (count)
            {
                case 4:
                    MultiplyFour(codes, scales, block, lane, tokens);
                    break;
                case 2:
                    MultiplyTwo(codes, scales, block, lane, tokens);
                    break;
                default:
                    MultiplyOne(codes, scales, block, lane, tokens);
                    break;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyFour(byte* codes, float* scales, int block, int lane, ChunkToken* tokens)
    {
        var x0 = tokens[0].X + (block * XBytes);
        var x1 = tokens[1].X + (block * XBytes);
        var x2 = tokens[2].X + (block * XBytes);
        var x3 = tokens[3].X + (block * XBytes);
        Vector256<int> a0 = TCodes.Begin(x0), b0 = a0, a1 = TCodes.Begin(x1), b1 = a1, a2 = TCodes.Begin(x2), b2 = a2, a3 = TCodes.Begin(x3), b3 = a3;
        var next = codes + (Rows * TCodes.Bytes);
        for (var group = 0; group < Groups; group++, codes += Vector256<byte>.Count, next += Vector256<byte>.Count)
        {
            var (w, v) = (Vector256.Load(codes), Vector256.Load(next));
            var (x, s) = (TCodes.Operand(x0, group), TCodes.SecondOperand(x0, group));
            a0 = TCodes.Add(a0, w, x, s);
            b0 = TCodes.Add(b0, v, x, s);
            (x, s) = (TCodes.Operand(x1, group), TCodes.SecondOperand(x1, group));
            a1 = TCodes.Add(a1, w, x, s);
            b1 = TCodes.Add(b1, v, x, s);
            (x, s) = (TCodes.Operand(x2, group), TCodes.SecondOperand(x2, group));
            a2 = TCodes.Add(a2, w, x, s);
            b2 = TCodes.Add(b2, v, x, s);
            (x, s) = (TCodes.Operand(x3, group), TCodes.SecondOperand(x3, group));
            a3 = TCodes.Add(a3, w, x, s);
            b3 = TCodes.Add(b3, v, x, s);
        }

        Keep(a0, b0, scales, tokens[0], block, lane);
        Keep(a1, b1, scales, tokens[1], block, lane);
        Keep(a2, b2, scales, tokens[2], block, lane);
        Keep(a3, b3, scales, tokens[3], block, lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTwo(byte* codes, float* scales, int block, int lane, ChunkToken* tokens)
    {
        var x0 = tokens[0].X + (block * XBytes);
        var x1 = tokens[1].X + (block * XBytes);
        Vector256<int> a0 = TCodes.Begin(x0), b0 = a0, a1 = TCodes.Begin(x1), b1 = a1;
        var next = codes + (Rows * TCodes.Bytes);
        for (var group = 0; group < Groups; group++, codes += Vector256<byte>.Count, next += Vector256<byte>.Count)
        {
            var (w, v) = (Vector256.Load(codes), Vector256.Load(next));
            var (x, s) = (TCodes.Operand(x0, group), TCodes.SecondOperand(x0, group));
            a0 = TCodes.Add(a0, w, x, s);
            b0 = TCodes.Add(b0, v, x, s);
            (x, s) = (TCodes.Operand(x1, group), TCodes.SecondOperand(x1, group));
            a1 = TCodes.Add(a1, w, x, s);
            b1 = TCodes.Add(b1, v, x, s);
        }

        Keep(a0, b0, scales, tokens[0], block, lane);
        Keep(a1, b1, scales, tokens[1], block, lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOne(byte* codes, float* scales, int block, int lane, ChunkToken* tokens)
    {
        var x0 = tokens[0].X + (block * XBytes);
        Vector256<int> a0 = TCodes.Begin(x0), b0 = a0;
        var next = codes + (Rows * TCodes.Bytes);
        for (var group = 0; group < Groups; group++, codes += Vector256<byte>.Count, next += Vector256<byte>.Count)
        {
            var (x, s) = (TCodes.Operand(x0, group), TCodes.SecondOperand(x0, group));
            a0 = TCodes.Add(a0, Vector256.Load(codes), x, s);
            b0 = TCodes.Add(b0, Vector256.Load(next), x, s);
        }

        Keep(a0, b0, scales, tokens[0], block, lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector256<int> low, Vector256<int> high, float* scales, in ChunkToken token, int block, int lane)
    {
        var scale = Vector256.Create(token.Scales[block]);
        var sums = token.Sums + (lane * 2 * Rows);
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(low), Vector256.Load(scales) * scale, Vector256.Load(sums)).Store(sums);
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(high), Vector256.Load(scales + Rows) * scale, Vector256.Load(sums + Rows)).Store(sums + Rows);
    }
}
