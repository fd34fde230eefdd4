using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Many tokens: a band's 64 rows in eight vectors of lanes. Their sums stay in registers while one token's activations meet them, and weights are operands in the first cache.
internal readonly unsafe partial struct Loops256<TForm, TCodes>
{
    private const int BandRows = BandLayout.BandRows;
    private const int GroupBytes = IBandLoops.GroupBytes;

    private static int Groups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TCodes.Bytes / sizeof(int);
    }

    public static void Interleave(byte* first, byte* second, byte* destination)
    {
        for (var part = 0; part < BandLayout.LineBytes; part += Vector256<byte>.Count, destination += Groups / 2 * GroupBytes)
            InterleavePart(first + part, second + part, destination);
    }

    /// <summary>What eight rows have in 32 bytes of a line. Written out, so that places are constants.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void InterleavePart(byte* first, byte* second, byte* destination)
    {
        var (a, b) = TCodes.MixRows(Vector256.Load(first), Vector256.Load(first + BandLayout.LineBytes));
        var (c, d) = TCodes.MixRows(Vector256.Load(first + (2 * BandLayout.LineBytes)), Vector256.Load(first + (3 * BandLayout.LineBytes)));
        var (e, f) = TCodes.MixRows(Vector256.Load(second), Vector256.Load(second + BandLayout.LineBytes));
        var (g, h) = TCodes.MixRows(Vector256.Load(second + (2 * BandLayout.LineBytes)), Vector256.Load(second + (3 * BandLayout.LineBytes)));
        var (low, high) = (TCodes.MixPairs(a, c), TCodes.MixPairs(e, g));
        StoreQuads(low.Low, high.Low, 0, destination);
        StoreQuads(low.High, high.High, 1, destination);
        (low, high) = (TCodes.MixPairs(b, d), TCodes.MixPairs(f, h));
        StoreQuads(low.Low, high.Low, 2, destination);
        StoreQuads(low.High, high.High, 3, destination);
    }

    /// <summary>Of four columns, and of those that lie 16 further, what rows 0 to 3 have is in the halves of one vector, rows 4 to 7 in the other's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuads(Vector256<byte> low, Vector256<byte> high, int quad, byte* destination)
    {
        TForm.Store<TCodes>(Avx2.Permute2x128(low, high, 0x20), quad, destination, BandRows * TCodes.Bytes);
        TForm.Store<TCodes>(Avx2.Permute2x128(low, high, 0x31), quad + 4, destination, BandRows * TCodes.Bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyBlock(byte* codes, float* scales, int block, ManyToken* tokens, int count, float* sums, TilesAhead ahead)
    {
        var offset = (long)block * XBytes;
        var end = tokens + count;
        for (; tokens < end; tokens++, sums += BandRows)
        {
            var x = tokens->X + offset;
            ahead.Ask();
            BandProduct.Prefetch(tokens[IBandLoops.AheadTokens].X + offset, 0, XBytes);
            Vector256<int> a = TCodes.Begin(x), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
            var code = codes;
            for (nint group = 0; group < Groups; group += 8, code += 8 * GroupBytes)
            {
                // Written out: counting costs an eighth as much, and the branch at the end is foreseen.
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 0, x, group);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, GroupBytes, x, group + 1);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 2 * GroupBytes, x, group + 2);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 3 * GroupBytes, x, group + 3);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 4 * GroupBytes, x, group + 4);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 5 * GroupBytes, x, group + 5);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 6 * GroupBytes, x, group + 6);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 7 * GroupBytes, x, group + 7);
            }

            var scale = Vector256.Create(tokens->Scales[block]);
            Keep(a, scales, scale, sums);
            Keep(b, scales + 8, scale, sums + 8);
            Keep(c, scales + 16, scale, sums + 16);
            Keep(d, scales + 24, scale, sums + 24);
            Keep(e, scales + 32, scale, sums + 32);
            Keep(f, scales + 40, scale, sums + 40);
            Keep(g, scales + 48, scale, sums + 48);
            Keep(h, scales + 56, scale, sums + 56);
        }
    }

    /// <summary>Adds a group's products of all rows. Its place is a constant, and so a part of the instructions, as the weights are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        ref Vector256<int> a, ref Vector256<int> b, ref Vector256<int> c, ref Vector256<int> d, ref Vector256<int> e, ref Vector256<int> f, ref Vector256<int> g, ref Vector256<int> h,
        byte* codes, int offset, byte* x, nint group)
    {
        var (operand, second) = (TCodes.Operand(x, group), TCodes.SecondOperand(x, group));
        a = TCodes.Add(a, codes + offset, operand, second);
        b = TCodes.Add(b, codes + (offset + 32), operand, second);
        c = TCodes.Add(c, codes + (offset + 64), operand, second);
        d = TCodes.Add(d, codes + (offset + 96), operand, second);
        e = TCodes.Add(e, codes + (offset + 128), operand, second);
        f = TCodes.Add(f, codes + (offset + 160), operand, second);
        g = TCodes.Add(g, codes + (offset + 192), operand, second);
        h = TCodes.Add(h, codes + (offset + 224), operand, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector256<int> blocks, float* scales, Vector256<float> scale, float* sums) =>
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(blocks), Vector256.Load(scales) * scale, Vector256.Load(sums)).Store(sums);
}
