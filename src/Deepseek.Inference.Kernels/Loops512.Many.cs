using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Many tokens: 32 rows in two vectors of lanes.
internal readonly unsafe partial struct Loops512<TForm>
{
    private const int Rows = 16;
    private const int Half = 8; // what is transposed at once
    private const int Bytes = WordCodes512.Bytes;
    private const int Groups = Bytes / sizeof(int);

    public static void Interleave(byte** lines, byte* scratch, byte* destination)
    {
        for (var block = 0; block < TForm.BlocksPerLine; block++, destination += GroupRows * Bytes)
        {
            for (var first = 0; first < GroupRows; first += Half)
            {
                for (var row = 0; row < Half; row++)
                    TForm.Read512(lines[first + row], block == 1).Store(scratch + (row * Bytes));
                var to = destination + (first / Rows * Rows * Bytes) + (first % Rows * sizeof(int));
                for (var part = 0; part < Bytes; part += Vector256<byte>.Count)
                    LaneSum.Transpose(scratch + part, Bytes, to + (part * Rows), Rows * sizeof(int));
            }
        }
    }

    public static void MultiplyChunk(byte* codes, float* scales, int first, int blocks, ChunkToken* tokens, int count)
    {
        for (var block = first; block < first + blocks; block++, codes += 2 * Rows * Bytes, scales += 2 * Rows)
        {
            if (count == 4)
            {
                MultiplyFour(codes, scales, block, tokens);
                continue;
            }

            for (var token = 0; token < count; token++)
                MultiplyOne(codes, scales, block, tokens + token);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyFour(byte* codes, float* scales, int block, ChunkToken* tokens)
    {
        var x0 = (int*)(tokens[0].X + (block * XBytes));
        var x1 = (int*)(tokens[1].X + (block * XBytes));
        var x2 = (int*)(tokens[2].X + (block * XBytes));
        var x3 = (int*)(tokens[3].X + (block * XBytes));
        Vector512<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        var next = codes + (Rows * Bytes);
        for (var group = 0; group < Groups; group++, codes += Vector512<byte>.Count, next += Vector512<byte>.Count)
        {
            var (w, v) = (Vector512.Load((short*)codes), Vector512.Load((short*)next));
            var x = Vector512.Create(x0[group]).AsInt16();
            a0 += Avx512Words.MultiplyAddAdjacent(w, x);
            b0 += Avx512Words.MultiplyAddAdjacent(v, x);
            x = Vector512.Create(x1[group]).AsInt16();
            a1 += Avx512Words.MultiplyAddAdjacent(w, x);
            b1 += Avx512Words.MultiplyAddAdjacent(v, x);
            x = Vector512.Create(x2[group]).AsInt16();
            a2 += Avx512Words.MultiplyAddAdjacent(w, x);
            b2 += Avx512Words.MultiplyAddAdjacent(v, x);
            x = Vector512.Create(x3[group]).AsInt16();
            a3 += Avx512Words.MultiplyAddAdjacent(w, x);
            b3 += Avx512Words.MultiplyAddAdjacent(v, x);
        }

        Keep(a0, b0, scales, tokens[0], block);
        Keep(a1, b1, scales, tokens[1], block);
        Keep(a2, b2, scales, tokens[2], block);
        Keep(a3, b3, scales, tokens[3], block);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOne(byte* codes, float* scales, int block, ChunkToken* token)
    {
        var x0 = (int*)(token->X + (block * XBytes));
        Vector512<int> a0 = default, b0 = default;
        var next = codes + (Rows * Bytes);
        for (var group = 0; group < Groups; group++, codes += Vector512<byte>.Count, next += Vector512<byte>.Count)
        {
            var x = Vector512.Create(x0[group]).AsInt16();
            a0 += Avx512Words.MultiplyAddAdjacent(Vector512.Load((short*)codes), x);
            b0 += Avx512Words.MultiplyAddAdjacent(Vector512.Load((short*)next), x);
        }

        Keep(a0, b0, scales, *token, block);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector512<int> low, Vector512<int> high, float* scales, in ChunkToken token, int block)
    {
        var scale = Vector512.Create(token.Scales[block]);
        var sums = token.Sums + (block % Lanes * 2 * Rows);
        Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(low), Vector512.Load(scales) * scale, Vector512.Load(sums)).Store(sums);
        Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(high), Vector512.Load(scales + Rows) * scale, Vector512.Load(sums + Rows)).Store(sums + Rows);
    }
}
