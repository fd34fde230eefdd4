using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Cached rows of whole numbers: products and their sums are exact, factors are joined in single precision.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    // A group of positions.
    private static void ScoreCodes(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int block, int split, int position, int to)
    {
        var (group, firstRow, rows) = call.Block(block);
        PrepareCodes(call, scratch, block, group, firstRow, rows);
        var keys = Math.Min(GroupPositions, to - position);
        ReadGroup(call, piece, ((long)split * SplitPositions) + position, position, keys);
        var key = piece.CodesOf(call, split) + (position * call.CodeStride);
        int vectors;
        for (var row = 0; row < rows; row += vectors * Width)
        {
            // Where two vectors are 16 rows and leave room for sums, each key serves both.
            vectors = 2 * Width == Lanes && row + Width < rows ? 2 : 1;
            if (vectors == 2)
                DotCodePairs(scratch.QueryCodes + ((long)row * call.CodeWidth), key, call.CodeStride, keys, call.LatentCodes, call.CodeWidth, piece.ScoresOf(row, position, Width), piece.ScoresOf(row + Width, position, Width), scratch.Lanes);
            else
                DotCodes(call, scratch, piece, row, position, key, keys);
            for (var i = 0; i < vectors; i++)
                ScaleScores(scratch, piece, row + (i * Width), rows, position, scratch.Lanes + (i * GroupPositions * Width));
        }
    }

    // The scales of a group of positions, and where they are copied, their numbers.
    private static void ReadGroup(in AttentionCall call, in AttentionPiece piece, long cached, int position, int keys)
    {
        var scales = call.Cache.Scales + (2 * cached);
        float* latents = piece.LatentScales + position, ropes = piece.RopeScales + position;
        for (var i = 0; i < GroupPositions; i++)
            (latents[i], ropes[i]) = i < keys ? (scales[2 * i], scales[(2 * i) + 1]) : (0, 0);
        for (var i = 0; call.CopiesCodes && i < keys; i++)
            CopyCodes(call, cached + i, piece.Codes + ((position + i) * call.CodeStride));
    }

    // The products at a group of keys of as many rows as vectors have lanes. Keys beyond the last one are the last once more; what comes of them is hidden, or never read.
    private static void DotCodes(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int row, int position, short* key, int keys)
    {
        var queries = scratch.QueryCodes + ((long)row * call.CodeWidth);
        float* latents = piece.ScoresOf(row, position, Width), ropes = scratch.Lanes;
        if (Width == VnniScoreCode.Lanes && call.Vnni && keys == GroupPositions)
            VnniAttention.Dot(queries, key, call.CodeStride, call.LatentCodes, call.CodeWidth, latents, ropes);
        else
            DotCodes(queries, key, call.CodeStride, keys, call.LatentCodes, call.CodeWidth, latents, ropes);
    }

    // Joins the parts' products of as many rows, which so become scores; hides what rows do not see, and finds the largest.
    private static void ScaleScores(in AttentionScratch scratch, in AttentionPiece piece, int row, int rows, int position, float* ropes)
    {
        var latents = piece.ScoresOf(row, position, Width);
        var (latentSteps, ropeSteps) = (TLanes.Load(scratch.LatentSteps + row), TLanes.Load(scratch.RopeSteps + row));
        for (nint i = 0; i < GroupPositions; i++)
        {
            var latent = TLanes.Multiply(TLanes.Create(piece.LatentScales[position + i]), latentSteps);
            var rope = TLanes.Multiply(TLanes.Create(piece.RopeScales[position + i]), ropeSteps);
            TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.Load(latents + (i * Width)), latent, TLanes.Multiply(TLanes.Load(ropes + (i * Width)), rope)), latents + (i * Width));
        }

        SeeLargest(piece, row, Math.Min(rows - row, Width), position);
    }

    // Sums of products of a query a lane with keys: exact ones of 32 elements, which are added in order. A line of a key has as many: it is read once, and those further on are asked for.
    [MethodImpl(HotLoop.Options)]
    private static void DotCodes(short* queries, short* key, long stride, int keys, int latent, int width, float* latents, float* ropes)
    {
        var far = (nint)(GroupPositions * stride);
        new Span<float>(latents, GroupPositions * Width).Clear();
        new Span<float>(ropes, GroupPositions * Width).Clear();
        for (nint run = 0; run < width; run += CodeRun, key += CodeRun, queries += CodeRun * Width)
        {
            var to = run < latent ? latents : ropes;
            var ahead = run + CodeRun < width ? CodeRun : far + CodeRun - width; // then in the next group
            var k0 = key;
            for (var left = keys; left > 0; left -= KeysAtOnce, to += KeysAtOnce * Width)
            {
                var k1 = k0 + (left > 1 ? stride : 0);
                var k2 = k1 + (left > 2 ? stride : 0);
                var k3 = k2 + (left > 3 ? stride : 0);
                var k4 = k3 + (left > 4 ? stride : 0);
                var k5 = k4 + (left > 5 ? stride : 0);
                var k6 = k5 + (left > 6 ? stride : 0);
                var k7 = k6 + (left > 7 ? stride : 0);
                Fetch(ahead, far, k0, k1, k2, k3);
                Fetch(ahead, far, k4, k5, k6, k7);
                TInt32 s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
                AddColumns(true, queries, k0, k1, k2, k3, k4, k5, k6, k7, 0, ref s0, ref s1, ref s2, ref s3, ref s4, ref s5, ref s6, ref s7);
                var query = queries + (2 * Width);
                for (nint i = 2; i < CodeRun; i += 2, query += 2 * Width)
                    AddColumns(false, query, k0, k1, k2, k3, k4, k5, k6, k7, i, ref s0, ref s1, ref s2, ref s3, ref s4, ref s5, ref s6, ref s7);

                k0 = k7 + stride;
                AddRun(to, s0, s1);
                AddRun(to + (2 * Width), s2, s3);
                AddRun(to + (4 * Width), s4, s5);
                AddRun(to + (6 * Width), s6, s7);
            }
        }
    }

    // The same of two vectors of queries, four keys at a time.
    [MethodImpl(HotLoop.Options)]
    private static void DotCodePairs(short* queries, short* key, long stride, int keys, int latent, int width, float* first, float* second, float* ropes)
    {
        const int atOnce = KeysAtOnce / 2;
        var far = (nint)(GroupPositions * stride);
        var nextQueries = width * Width; // from a row's to that of the other vector
        new Span<float>(first, GroupPositions * Width).Clear();
        new Span<float>(second, GroupPositions * Width).Clear();
        new Span<float>(ropes, 2 * GroupPositions * Width).Clear();
        for (nint run = 0; run < width; run += CodeRun, key += CodeRun, queries += CodeRun * Width)
        {
            float* a = run < latent ? first : ropes, b = run < latent ? second : ropes + (GroupPositions * Width);
            var ahead = run + CodeRun < width ? CodeRun : far + CodeRun - width; // then in the next group
            var k0 = key;
            for (var left = keys; left > 0; left -= atOnce, a += atOnce * Width, b += atOnce * Width)
            {
                var k1 = k0 + (left > 1 ? stride : 0);
                var k2 = k1 + (left > 2 ? stride : 0);
                var k3 = k2 + (left > 3 ? stride : 0);
                Fetch(ahead, far, k0, k1, k2, k3);
                TInt32 a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
                AddColumns(true, queries, nextQueries, k0, k1, k2, k3, 0, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3);
                AddColumns(false, queries + (2 * Width), nextQueries, k0, k1, k2, k3, 2, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3);
                var query = queries + (4 * Width);
                for (nint i = 4; i < CodeRun; i += 4, query += 4 * Width)
                {
                    AddColumns(false, query, nextQueries, k0, k1, k2, k3, i, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3);
                    AddColumns(false, query + (2 * Width), nextQueries, k0, k1, k2, k3, i + 2, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3);
                }

                k0 = k3 + stride;
                AddRun(a, a0, a1);
                AddRun(a + (2 * Width), a2, a3);
                AddRun(b, b0, b1);
                AddRun(b + (2 * Width), b2, b3);
            }
        }
    }

    // Two columns of a vector of queries and of eight keys. The first ones begin the sums.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddColumns(
        [ConstantExpected] bool begin, short* query, short* k0, short* k1, short* k2, short* k3, short* k4, short* k5, short* k6, short* k7, nint column,
        ref TInt32 s0, ref TInt32 s1, ref TInt32 s2, ref TInt32 s3, ref TInt32 s4, ref TInt32 s5, ref TInt32 s6, ref TInt32 s7)
    {
        var q = TLanes.Load(query);
        AddProducts(begin, q, TLanes.CreatePair(k0 + column), TLanes.CreatePair(k1 + column), ref s0, ref s1);
        AddProducts(begin, q, TLanes.CreatePair(k2 + column), TLanes.CreatePair(k3 + column), ref s2, ref s3);
        AddProducts(begin, q, TLanes.CreatePair(k4 + column), TLanes.CreatePair(k5 + column), ref s4, ref s5);
        AddProducts(begin, q, TLanes.CreatePair(k6 + column), TLanes.CreatePair(k7 + column), ref s6, ref s7);
    }

    // Two columns of two vectors of queries and of four keys. The first ones begin the sums.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddColumns(
        [ConstantExpected] bool begin, short* query, nint next, short* k0, short* k1, short* k2, short* k3, nint column,
        ref TInt32 a0, ref TInt32 a1, ref TInt32 a2, ref TInt32 a3, ref TInt32 b0, ref TInt32 b1, ref TInt32 b2, ref TInt32 b3)
    {
        var (q, r) = (TLanes.Load(query), TLanes.Load(query + next));
        AddProducts(begin, TLanes.CreatePair(k0 + column), q, r, ref a0, ref b0);
        AddProducts(begin, TLanes.CreatePair(k1 + column), q, r, ref a1, ref b1);
        AddProducts(begin, TLanes.CreatePair(k2 + column), q, r, ref a2, ref b2);
        AddProducts(begin, TLanes.CreatePair(k3 + column), q, r, ref a3, ref b3);
    }

    // Adds the products of x with a and b to two sums, or begins those.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts([ConstantExpected] bool begin, TInt16 x, TInt16 a, TInt16 b, ref TInt32 first, ref TInt32 second)
    {
        if (begin)
            (first, second) = (TLanes.MultiplyPairs(x, a), TLanes.MultiplyPairs(x, b));
        else
            TLanes.MultiplyAdd(x, a, b, ref first, ref second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRun(float* sums, TInt32 first, TInt32 second)
    {
        TLanes.Store(TLanes.Add(TLanes.Load(sums), TLanes.ToSingle(first)), sums);
        TLanes.Store(TLanes.Add(TLanes.Load(sums + Width), TLanes.ToSingle(second)), sums + Width);
    }

    // Asks for the lines of the next turn, and the second cache for those of the next group: memory takes longer to answer than the few lines allow that the first cache can wait for.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(nint ahead, nint far, short* k0, short* k1, short* k2, short* k3)
    {
        if (!Sse.IsSupported)
            return;
        Sse.Prefetch1(k0 + far);
        Sse.Prefetch0(k0 + ahead);
        Sse.Prefetch1(k1 + far);
        Sse.Prefetch0(k1 + ahead);
        Sse.Prefetch1(k2 + far);
        Sse.Prefetch0(k2 + ahead);
        Sse.Prefetch1(k3 + far);
        Sse.Prefetch0(k3 + ahead);
    }
}
