using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Many tokens: a band's 64 rows in four vectors of lanes, and four tokens at a time.
internal readonly unsafe partial struct Loops512<TForm>
{
    private const int BandRows = BandLayout.BandRows;
    private const int GroupBytes = IBandLoops.GroupBytes;
    private const int Bytes = WordCodes512.Bytes;
    private const int Groups = Bytes / sizeof(int);

    [MethodImpl(HotLoop.Options)]
    public static void Decode(in TileSource tile, int line, byte* destination)
    {
        var rows = TForm.Line(tile, line);
        for (var end = rows + (Pieces * Line); rows < end; rows += Line, destination += GroupBytes)
        {
            Read(rows, false).Store(destination, destination + (Pieces * GroupBytes));
            if (TForm.BlocksPerLine == 2)
                Read(rows, true).Store(destination + (BandRows * Bytes), destination + ((BandRows * Bytes) + (Pieces * GroupBytes)));
        }
    }

    public static void MultiplyBlock(byte* codes, float* scales, int block, BandToken* tokens, int count, float* sums, LinesAhead ahead)
    {
        for (; count >= 4; count -= 4, tokens += 4, sums += 4 * BandRows)
        {
            ahead.Ask();
            ahead.Ask(); // so that eight tokens, which there are at least, ask for all
            for (var i = 0; i < 4; i++)
                BandProduct.Prefetch(tokens[IBandLoops.AheadTokens + i].X + ((long)block * XBytes), 0, XBytes);
            MultiplyFour(codes, scales, block, tokens, sums);
        }

        for (; count > 0; count--, tokens++, sums += BandRows)
            MultiplyOne(codes, scales, block, tokens, sums);
    }

    [MethodImpl(HotLoop.Options)]
    private static void MultiplyFour(byte* codes, float* scales, int block, BandToken* tokens, float* sums)
    {
        var offset = (long)block * XBytes;
        int* x0 = (int*)(tokens[0].X + offset), x1 = (int*)(tokens[1].X + offset), x2 = (int*)(tokens[2].X + offset), x3 = (int*)(tokens[3].X + offset);
        Vector512<int> a0 = default, b0 = default, c0 = default, d0 = default, a1 = default, b1 = default, c1 = default, d1 = default;
        Vector512<int> a2 = default, b2 = default, c2 = default, d2 = default, a3 = default, b3 = default, c3 = default, d3 = default;
        for (var group = 0; group < Groups; group++, codes += GroupBytes)
        {
            var (u, v, w, z) = (Vector512.Load((short*)codes), Vector512.Load((short*)codes + 32), Vector512.Load((short*)codes + 64), Vector512.Load((short*)codes + 96));
            Add(ref a0, ref b0, ref c0, ref d0, u, v, w, z, x0[group]);
            Add(ref a1, ref b1, ref c1, ref d1, u, v, w, z, x1[group]);
            Add(ref a2, ref b2, ref c2, ref d2, u, v, w, z, x2[group]);
            Add(ref a3, ref b3, ref c3, ref d3, u, v, w, z, x3[group]);
        }

        Keep(a0, b0, c0, d0, scales, tokens[0].Scales[block], sums);
        Keep(a1, b1, c1, d1, scales, tokens[1].Scales[block], sums + BandRows);
        Keep(a2, b2, c2, d2, scales, tokens[2].Scales[block], sums + (2 * BandRows));
        Keep(a3, b3, c3, d3, scales, tokens[3].Scales[block], sums + (3 * BandRows));
    }

    [MethodImpl(HotLoop.Options)]
    private static void MultiplyOne(byte* codes, float* scales, int block, BandToken* token, float* sums)
    {
        var x = (int*)(token->X + ((long)block * XBytes));
        Vector512<int> a = default, b = default, c = default, d = default;
        for (var group = 0; group < Groups; group++, codes += GroupBytes)
            Add(ref a, ref b, ref c, ref d, Vector512.Load((short*)codes), Vector512.Load((short*)codes + 32), Vector512.Load((short*)codes + 64), Vector512.Load((short*)codes + 96), x[group]);
        Keep(a, b, c, d, scales, token->Scales[block], sums);
    }

    /// <summary>Adds a group's products of all rows with a token's activations.</summary>
    /// <remarks>Two products, then two additions: where a vector of 512 bits takes two turns, as on Zen 4, product and addition by turns get in each other's way and take a fifth longer.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        ref Vector512<int> a, ref Vector512<int> b, ref Vector512<int> c, ref Vector512<int> d,
        Vector512<short> u, Vector512<short> v, Vector512<short> w, Vector512<short> z, int activations)
    {
        var x = Vector512.Create(activations).AsInt16();
        var p = Avx512Words.MultiplyAddAdjacent(u, x);
        var q = Avx512Words.MultiplyAddAdjacent(v, x);
        a += p;
        b += q;
        p = Avx512Words.MultiplyAddAdjacent(w, x);
        q = Avx512Words.MultiplyAddAdjacent(z, x);
        c += p;
        d += q;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d, float* scales, float token, float* sums)
    {
        var scale = Vector512.Create(token);
        Keep(a, scales, scale, sums);
        Keep(b, scales + 16, scale, sums + 16);
        Keep(c, scales + 32, scale, sums + 32);
        Keep(d, scales + 48, scale, sums + 48);
    }
}
