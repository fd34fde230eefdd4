using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary><see cref="ExactProducts"/> with vectors of one width: four rows at a time, in the order in which they lie.</summary>
internal static unsafe partial class ExactProductTile<TLanes, TSingle, TInt32, TInt16>
    where TLanes : struct, ILanes<TSingle, TInt32, TInt16>
    where TSingle : struct
    where TInt32 : struct
    where TInt16 : struct
{
    private const int Rows = BandLayout.PlainRows;
    private const int Line = BandLayout.LineBytes;
    private const int TokensAtOnce = 4;

    /// <summary>Numbers of 8 and 16 bits that are taken at once.</summary>
    private static int Step => 2 * TLanes.Count;

    /// <summary>Multiplies along the grain. One token meets weights that are widened in registers; more meet four rows that are widened once.</summary>
    [SkipLocalsInit]
    public static void Multiply(bool vnni, Int8Row* rows, int count, int columns, float* x, long xStride, int tokens, float* y, long yStride)
    {
        var width = AttentionCall.Padded(columns, Line);
        var padded = AttentionCall.Padded(tokens, TokensAtOnce); // what is computed of tokens that there are not goes nowhere
        var codes = (short*)KernelScratch.Reserve((((long)padded + Rows) * width * sizeof(short)) + (tokens * sizeof(float)));
        var widened = codes + ((long)padded * width);
        var steps = (float*)(widened + ((long)Rows * width));
        for (var token = 0; token < tokens; token++)
            steps[token] = Round(x + (token * xStride), columns, codes + ((long)token * width), width);

        var sums = stackalloc int[TokensAtOnce * Rows];
        var lanes = stackalloc int[TokensAtOnce * Rows * TLanes.Count];
        for (var row = 0; row < count; row += Rows, y += Rows)
        {
            var some = Math.Min(Rows, count - row);
            var quad = new Quad(rows + row, some);
            if (tokens > 1)
                Widen(quad, width, widened);
            for (var token = 0; token < tokens; token += TokensAtOnce)
            {
                var together = Math.Min(TokensAtOnce, tokens - token);
                var from = codes + ((long)token * width);
                if (tokens == 1)
                    DotOne(quad, width, from, sums);
                else if (vnni)
                    DotVnni(widened, width, from, lanes, sums);
                else
                    DotFour(widened, width, from, sums);
                for (var i = 0; i < together; i++)
                    Write(sums + (i * Rows), steps[token + i], quad.Scales, some, y + ((token + i) * yStride));
            }
        }
    }

    /// <summary>Rounds numbers, and fills up with zeros.</summary>
    private static float Round(float* values, int count, short* codes, int width)
    {
        new Span<short>(codes + count, width - count).Clear();
        return CacheCodes.Round<TLanes, TSingle, TInt32, TInt16>(values, count, codes);
    }

    private static void Write(int* sums, float step, Vector128<float> scales, int rows, float* y)
    {
        var outputs = Vector128.ConvertToSingle(Vector128.Load(sums)) * (Vector128.Create(step) * scales);
        if (rows == Rows)
        {
            outputs.Store(y);
            return;
        }

        for (var row = 0; row < rows; row++)
            y[row] = outputs[row];
    }

    private static void Widen(in Quad quad, int width, short* to)
    {
        sbyte* a = quad.A, b = quad.B, c = quad.C, d = quad.D;
        for (var end = to + width; to < end; a += Int8Row.LineStride, b += Int8Row.LineStride, c += Int8Row.LineStride, d += Int8Row.LineStride)
        {
            Ask(a, b, c, d);
            for (nint column = 0; column < Line; column += Step, to += Step)
            {
                TLanes.Store(TLanes.Widen(a + column), to);
                TLanes.Store(TLanes.Widen(b + column), to + width);
                TLanes.Store(TLanes.Widen(c + column), to + (2 * width));
                TLanes.Store(TLanes.Widen(d + column), to + (3 * width));
            }
        }
    }

    /// <summary>Four rows and a token.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void DotOne(in Quad quad, int width, short* x, int* sums)
    {
        sbyte* a = quad.A, b = quad.B, c = quad.C, d = quad.D;
        TInt32 s0 = default, s1 = default, s2 = default, s3 = default;
        for (var end = x + width; x < end; a += Int8Row.LineStride, b += Int8Row.LineStride, c += Int8Row.LineStride, d += Int8Row.LineStride)
        {
            Ask(a, b, c, d);
            for (nint column = 0; column < Line; column += Step, x += Step)
            {
                var codes = TLanes.Load(x);
                TLanes.MultiplyAdd(codes, TLanes.Widen(a + column), TLanes.Widen(b + column), ref s0, ref s1);
                TLanes.MultiplyAdd(codes, TLanes.Widen(c + column), TLanes.Widen(d + column), ref s2, ref s3);
            }
        }

        TLanes.Sums(s0, s1, s2, s3).Store(sums);
    }

    private static void DotVnni(short* weights, int width, short* x, int* lanes, int* sums)
    {
        var bytes = (long)width * sizeof(short);
        VnniExact call = new() { Weights = weights, WeightStride = bytes, X = x, Stride = bytes, Count = width / Step, Sums = lanes };
        VnniCode.Exact(transposed: false)(&call);
        for (var i = 0; i < TokensAtOnce * Rows; i += Rows, lanes += Rows * TLanes.Count)
            TLanes.Sums(Read(lanes), Read(lanes + TLanes.Count), Read(lanes + (2 * TLanes.Count)), Read(lanes + (3 * TLanes.Count))).Store(sums + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInt32 Read(int* from) => Unsafe.ReadUnaligned<TInt32>(from);

    /// <summary>Four rows and four tokens.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void DotFour(short* a, int width, short* x0, int* sums)
    {
        short* b = a + width, c = b + width, d = c + width;
        short* x1 = x0 + width, x2 = x1 + width, x3 = x2 + width;
        TInt32 a0 = default, b0 = default, c0 = default, d0 = default, a1 = default, b1 = default, c1 = default, d1 = default;
        TInt32 a2 = default, b2 = default, c2 = default, d2 = default, a3 = default, b3 = default, c3 = default, d3 = default;
        for (nint i = 0; i < width; i += Step)
        {
            var (wa, wb, wc, wd) = (TLanes.Load(a + i), TLanes.Load(b + i), TLanes.Load(c + i), TLanes.Load(d + i));
            var x = TLanes.Load(x0 + i);
            TLanes.MultiplyAdd(x, wa, wb, ref a0, ref b0);
            TLanes.MultiplyAdd(x, wc, wd, ref c0, ref d0);
            x = TLanes.Load(x1 + i);
            TLanes.MultiplyAdd(x, wa, wb, ref a1, ref b1);
            TLanes.MultiplyAdd(x, wc, wd, ref c1, ref d1);
            x = TLanes.Load(x2 + i);
            TLanes.MultiplyAdd(x, wa, wb, ref a2, ref b2);
            TLanes.MultiplyAdd(x, wc, wd, ref c2, ref d2);
            x = TLanes.Load(x3 + i);
            TLanes.MultiplyAdd(x, wa, wb, ref a3, ref b3);
            TLanes.MultiplyAdd(x, wc, wd, ref c3, ref d3);
        }

        TLanes.Sums(a0, b0, c0, d0).Store(sums);
        TLanes.Sums(a1, b1, c1, d1).Store(sums + Rows);
        TLanes.Sums(a2, b2, c2, d2).Store(sums + (2 * Rows));
        TLanes.Sums(a3, b3, c3, d3).Store(sums + (3 * Rows));
    }

    /// <summary>Asks for what lies ahead of four lines that follow one another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(sbyte* a, sbyte* b, sbyte* c, sbyte* d)
    {
        BandProducts.Ask((byte*)a + BandProducts.Ahead);
        BandProducts.Ask((byte*)b + BandProducts.Ahead);
        BandProducts.Ask((byte*)c + BandProducts.Ahead);
        BandProducts.Ask((byte*)d + BandProducts.Ahead);
    }

    /// <summary>The first lines of four rows, and their scales; where there are fewer, the last one again.</summary>
    private readonly struct Quad
    {
        public readonly sbyte* A;
        public readonly sbyte* B;
        public readonly sbyte* C;
        public readonly sbyte* D;
        public readonly Vector128<float> Scales;

        public Quad(Int8Row* rows, int count)
        {
            Int8Row a = rows[0], b = rows[Math.Min(1, count - 1)], c = rows[Math.Min(2, count - 1)], d = rows[count - 1];
            A = a.Line;
            B = b.Line;
            C = c.Line;
            D = d.Line;
            Scales = Vector128.Create(a.Scale, b.Scale, c.Scale, d.Scale);
        }
    }
}
