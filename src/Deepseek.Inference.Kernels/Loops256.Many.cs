using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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

    [MethodImpl(HotLoop.Options)]
    public static void Decode(in TileSource tile, int line, byte* destination)
    {
        var rows = TForm.Line(tile, line);
        for (var piece = 0; piece < Pieces; piece++, rows += Line)
        {
            TForm.Store<TCodes>(Vector256.Load(rows), piece, destination, BandRows * TCodes.Bytes);
            TForm.Store<TCodes>(Vector256.Load(rows + Half), piece, destination + Half, BandRows * TCodes.Bytes);
        }
    }

    [MethodImpl(HotLoop.Options)]
    public static void MultiplyBlock(byte* codes, float* scales, int block, BandToken* tokens, int count, float* sums, LinesAhead ahead)
    {
        var offset = (long)block * XBytes;
        var end = tokens + count;
        for (; tokens < end; tokens++, sums += BandRows)
        {
            var x = tokens->X + offset;
            ahead.Ask();
            BandProduct.Prefetch(tokens[IBandLoops.AheadTokens].X + offset, 0, XBytes);
            var (operand, second) = (TCodes.Operand(x, 0), TCodes.SecondOperand(x, 0));
            var a = TCodes.Begin(x, codes, operand, second);
            var b = TCodes.Begin(x, codes + 32, operand, second);
            var c = TCodes.Begin(x, codes + 64, operand, second);
            var d = TCodes.Begin(x, codes + 96, operand, second);
            var e = TCodes.Begin(x, codes + 128, operand, second);
            var f = TCodes.Begin(x, codes + 160, operand, second);
            var g = TCodes.Begin(x, codes + 192, operand, second);
            var h = TCodes.Begin(x, codes + 224, operand, second);
            Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, codes, GroupBytes, x, 1);
            Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, codes, 2 * GroupBytes, x, 2);
            Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, codes, 3 * GroupBytes, x, 3);
            var code = codes + (4 * GroupBytes);
            for (nint group = 4; group < Groups; group += 4, code += 4 * GroupBytes)
            {
                // Written out: counting costs a quarter as much, and the branch at the end is foreseen. With twice as many the compiler may not inline them all.
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 0, x, group);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, GroupBytes, x, group + 1);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 2 * GroupBytes, x, group + 2);
                Add(ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h, code, 3 * GroupBytes, x, group + 3);
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
}
