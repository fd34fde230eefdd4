using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

// Against the grain: a lane is a column, and has two rows' weights side by side.
internal static unsafe partial class ExactProductTile<TLanes, TSingle, TInt32, TInt16>
{
    /// <summary>Multiplies against the grain. One token's sums take in four rows after the other; more tokens meet all rows, paired once.</summary>
    public static void MultiplyTransposed(bool vnni, Int8Row* rows, int count, int columns, float* x, long xStride, int tokens, float* y, long yStride)
    {
        var (terms, width) = (AttentionCall.Padded(count, Rows), AttentionCall.Padded(columns, Line));
        var room = Math.Max(width, TokensAtOnce * Step); // for one token's sums, or four tokens' of a group
        var paired = tokens == 1 ? 0 : (long)terms * width;
        var padded = AttentionCall.Padded(tokens, TokensAtOnce); // what is computed of tokens that there are not goes nowhere
        var sums = (int*)KernelScratch.Reserve((room * sizeof(int)) + ((paired + ((long)padded * terms)) * sizeof(short)) + (((2L * terms) + tokens) * sizeof(float)));
        var weights = (short*)(sums + room);
        var codes = weights + paired;
        var scales = (float*)(codes + ((long)padded * terms));
        var steps = scales + (2 * terms);
        for (var row = 0; row < count; row++)
            scales[row] = rows[row].Scale;
        for (var token = 0; token < tokens; token++)
        {
            Scale(x + (token * xStride), scales, count, scales + terms);
            steps[token] = Round(scales + terms, count, codes + ((long)token * terms), terms);
        }

        if (tokens == 1)
        {
            new Span<int>(sums, width).Clear();
            for (var row = 0; row < count; row += Rows)
                AddRows(new Quad(rows + row, Math.Min(Rows, count - row)), width, codes + row, sums);
            WriteSums(sums, columns, *steps, y);
            return;
        }

        for (var row = 0; row < count; row += Rows)
            PairUp(new Quad(rows + row, Math.Min(Rows, count - row)), width, weights + (row * Step), (long)terms * Step);
        for (var column = 0; column < columns; column += Step, weights += (long)terms * Step)
        {
            var some = Math.Min(Step, columns - column);
            for (var token = 0; token < tokens; token += TokensAtOnce)
            {
                var together = Math.Min(TokensAtOnce, tokens - token);
                var from = codes + ((long)token * terms);
                if (vnni)
                    MultiplyVnni(weights, terms, from, sums);
                else
                    MultiplyFour(weights, terms, from, sums);
                for (var i = 0; i < together; i++)
                    WriteSums(sums + (i * Step), some, steps[token + i], y + ((token + i) * yStride) + column);
            }
        }
    }

    private static void Scale(float* values, float* scales, int count, float* to)
    {
        var i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            TLanes.Store(TLanes.Multiply(TLanes.Load(values + i), TLanes.Load(scales + i)), to + i);
        for (; i < count; i++)
            to[i] = values[i] * scales[i];
    }

    private static void WriteSums(int* sums, int count, float step, float* y)
    {
        var i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            TLanes.Store(TLanes.Multiply(TLanes.ToSingle(Read(sums + i)), TLanes.Create(step)), y + i);
        for (; i < count; i++)
            y[i] = sums[i] * step;
    }

    /// <summary>Adds four rows to a token's sums.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void AddRows(in Quad quad, int width, short* x, int* sums)
    {
        sbyte* a = quad.A, b = quad.B, c = quad.C, d = quad.D;
        var (first, second) = (TLanes.CreatePair(x), TLanes.CreatePair(x + 2));
        for (var end = sums + width; sums < end; a += Int8Row.LineStride, b += Int8Row.LineStride, c += Int8Row.LineStride, d += Int8Row.LineStride)
        {
            Ask(a, b, c, d);
            for (nint column = 0; column < Line; column += Step, sums += Step)
            {
                var (low, high) = (Read(sums), Read(sums + TLanes.Count));
                var (p, q) = TLanes.WidenPairs(a + column, b + column);
                TLanes.MultiplyAdd(first, p, q, ref low, ref high);
                (p, q) = TLanes.WidenPairs(c + column, d + column);
                TLanes.MultiplyAdd(second, p, q, ref low, ref high);
                Store(sums, low, high);
            }
        }
    }

    /// <summary>Widens four rows: group of columns by group, in a group pair by pair of rows.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void PairUp(in Quad quad, int width, short* to, long group)
    {
        sbyte* a = quad.A, b = quad.B, c = quad.C, d = quad.D;
        for (var left = width; left > 0; left -= Line, a += Int8Row.LineStride, b += Int8Row.LineStride, c += Int8Row.LineStride, d += Int8Row.LineStride)
        {
            Ask(a, b, c, d);
            for (nint column = 0; column < Line; column += Step, to += group)
            {
                var (p, q) = TLanes.WidenPairs(a + column, b + column);
                TLanes.Store(p, to);
                TLanes.Store(q, to + Step);
                (p, q) = TLanes.WidenPairs(c + column, d + column);
                TLanes.Store(p, to + (2 * Step));
                TLanes.Store(q, to + (3 * Step));
            }
        }
    }

    private static void MultiplyVnni(short* weights, int terms, short* x, int* sums)
    {
        VnniExact call = new() { Weights = weights, X = x, Stride = (long)terms * sizeof(short), Count = terms / 2, Sums = sums };
        VnniCode.Exact(transposed: true)(&call);
    }

    /// <summary>A group of columns and four tokens.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void MultiplyFour(short* weights, int terms, short* x0, int* sums)
    {
        short* x1 = x0 + terms, x2 = x1 + terms, x3 = x2 + terms;
        TInt32 a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        for (nint i = 0; i < terms; i += 2, weights += 2 * Step)
        {
            var (a, b) = (TLanes.Load(weights), TLanes.Load(weights + Step));
            TLanes.MultiplyAdd(TLanes.CreatePair(x0 + i), a, b, ref a0, ref b0);
            TLanes.MultiplyAdd(TLanes.CreatePair(x1 + i), a, b, ref a1, ref b1);
            TLanes.MultiplyAdd(TLanes.CreatePair(x2 + i), a, b, ref a2, ref b2);
            TLanes.MultiplyAdd(TLanes.CreatePair(x3 + i), a, b, ref a3, ref b3);
        }

        Store(sums, a0, b0);
        Store(sums + Step, a1, b1);
        Store(sums + (2 * Step), a2, b2);
        Store(sums + (3 * Step), a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(int* to, TInt32 first, TInt32 second)
    {
        Unsafe.WriteUnaligned(to, first);
        Unsafe.WriteUnaligned(to + TLanes.Count, second);
    }
}
