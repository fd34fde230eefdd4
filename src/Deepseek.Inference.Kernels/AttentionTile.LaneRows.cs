using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Cached rows of floats, and whole runs of 16 query rows: a query row is a lane where scores are computed, so that nothing is added across lanes.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    // Passes over a key: each adds up two of the 16 sums of every 16th element, which are 8 elements apart.
    private const int Passes = AttentionCall.KeyPasses;

    /// <summary>Query rows that are computed so.</summary>
    private static int LaneRows(int rows) => Width == Lanes || Width == Lanes / 2 ? rows / Lanes * Lanes : 0;

    // The scores of 16 rows at a group of keys.
    private static void ScoreLanes(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int row, float* keys, int position, int to)
    {
        var (width, stride) = ((nint)call.QueryWidth, (nint)call.SingleStride);
        var queries = scratch.LaneQueries + (row * width);
        for (var first = position; first < Math.Min(position + GroupPositions, to); first += KeysAtOnce)
        {
            var key = keys + (first * stride);
            if (Width == Lanes)
                DotLanes(queries, width, key, stride, to - first, scratch.PassSums);
            else
                DotHalves(queries, width, key, stride, to - first, scratch.PassSums);
            for (nint i = 0; i < KeysAtOnce * Lanes; i += Width)
            {
                var sums = scratch.PassSums + i;
                TLanes.Store(TLanes.Add(TLanes.Add(PassesApart(sums, 0), PassesApart(sums, 2)), TLanes.Add(PassesApart(sums, 1), PassesApart(sums, 3))), sums);
            }

            Transposition.Run((int*)scratch.PassSums, Lanes, KeysAtOnce, Lanes, (int*)(piece.Scores + ((long)row * SplitPositions) + first), SplitPositions);
        }
    }

    // The sums of a pass and of that 4 passes on, as lanes are added.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TSingle PassesApart(float* sums, int pass)
    {
        sums += pass * KeysAtOnce * Lanes;
        return TLanes.Add(TLanes.Load(sums), TLanes.Load(sums + (Passes / 2 * KeysAtOnce * Lanes)));
    }

    // The products of 16 queries, one a lane, with 8 keys: of each pass its two sums, added, [8 passes, 8 keys, 16].
    [MethodImpl(HotLoop.Options)]
    private static void DotLanes(float* queries, nint width, float* key, nint stride, int left, float* sums)
    {
        var k0 = key;
        var k1 = k0 + (left > 1 ? stride : 0);
        var k2 = k1 + (left > 2 ? stride : 0);
        var k3 = k2 + (left > 3 ? stride : 0);
        var k4 = k3 + (left > 4 ? stride : 0);
        var k5 = k4 + (left > 5 ? stride : 0);
        var k6 = k5 + (left > 6 ? stride : 0);
        var k7 = k6 + (left > 7 ? stride : 0);
        var ahead = key + (GroupPositions * stride);
        var near = key + (KeysAtOnce * stride);
        for (var pass = 0; pass < Passes; pass++, ahead += stride - 1, near += stride - 1, sums += KeysAtOnce * Lanes)
        {
            TSingle s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
            TSingle t0 = default, t1 = default, t2 = default, t3 = default, t4 = default, t5 = default, t6 = default, t7 = default;
            for (nint i = pass; i < width; i += Lanes, queries += 2 * Lanes)
            {
                if (Sse.IsSupported)
                {
                    Sse.Prefetch1(ahead + i);
                    Sse.Prefetch0(near + i);
                }

                var q = TLanes.Load(queries);
                s0 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k0[i]), s0);
                s1 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k1[i]), s1);
                s2 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k2[i]), s2);
                s3 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k3[i]), s3);
                s4 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k4[i]), s4);
                s5 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k5[i]), s5);
                s6 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k6[i]), s6);
                s7 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k7[i]), s7);
                q = TLanes.Load(queries + Lanes);
                t0 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k0[i + Passes]), t0);
                t1 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k1[i + Passes]), t1);
                t2 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k2[i + Passes]), t2);
                t3 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k3[i + Passes]), t3);
                t4 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k4[i + Passes]), t4);
                t5 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k5[i + Passes]), t5);
                t6 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k6[i + Passes]), t6);
                t7 = TLanes.FusedMultiplyAdd(q, TLanes.Create(k7[i + Passes]), t7);
            }

            StoreLanes(
                sums, TLanes.Add(s0, t0), TLanes.Add(s1, t1), TLanes.Add(s2, t2), TLanes.Add(s3, t3), TLanes.Add(s4, t4), TLanes.Add(s5, t5), TLanes.Add(s6, t6), TLanes.Add(s7, t7));
        }
    }

    // The same with two vectors for 16 lanes, and so few registers that four keys and one sum are computed together.
    private static void DotHalves(float* queries, nint width, float* key, nint stride, int left, float* sums)
    {
        for (var pass = 0; pass < Passes; pass++, queries += 2 * width, sums += KeysAtOnce * Lanes)
        {
            for (var first = 0; first < Math.Min(KeysAtOnce, left); first += KeysAtOnce / 2)
            {
                var keys = key + (first * stride) + pass;
                DotHalf(queries, width - pass, keys, stride, left - first, key + ((GroupPositions + pass) * stride), sums + (first * Lanes), joins: false);
                DotHalf(queries + Lanes, width - pass - Passes, keys + Passes, stride, left - first, key + ((KeysAtOnce + pass) * stride), sums + (first * Lanes), joins: true);
            }
        }
    }

    [MethodImpl(HotLoop.Options)]
    private static void DotHalf(float* query, nint width, float* k0, nint stride, int left, float* ahead, float* sums, bool joins)
    {
        var k1 = k0 + (left > 1 ? stride : 0);
        var k2 = k1 + (left > 2 ? stride : 0);
        var k3 = k2 + (left > 3 ? stride : 0);
        TSingle a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (nint i = 0; i < width; i += Lanes, query += 2 * Lanes)
        {
            if (Sse.IsSupported)
            {
                if (joins)
                    Sse.Prefetch0(ahead + i);
                else
                    Sse.Prefetch1(ahead + i);
            }

            var (a, b) = (TLanes.Load(query), TLanes.Load(query + Width));
            var k = TLanes.Create(k0[i]);
            a0 = TLanes.FusedMultiplyAdd(a, k, a0);
            b0 = TLanes.FusedMultiplyAdd(b, k, b0);
            k = TLanes.Create(k1[i]);
            a1 = TLanes.FusedMultiplyAdd(a, k, a1);
            b1 = TLanes.FusedMultiplyAdd(b, k, b1);
            k = TLanes.Create(k2[i]);
            a2 = TLanes.FusedMultiplyAdd(a, k, a2);
            b2 = TLanes.FusedMultiplyAdd(b, k, b2);
            k = TLanes.Create(k3[i]);
            a3 = TLanes.FusedMultiplyAdd(a, k, a3);
            b3 = TLanes.FusedMultiplyAdd(b, k, b3);
        }

        JoinPair(sums, joins, a0, b0);
        JoinPair(sums + Lanes, joins, a1, b1);
        JoinPair(sums + (2 * Lanes), joins, a2, b2);
        JoinPair(sums + (3 * Lanes), joins, a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void JoinPair(float* to, bool joins, TSingle first, TSingle second)
    {
        if (joins)
            StorePair(to, TLanes.Add(TLanes.Load(to), first), TLanes.Add(TLanes.Load(to + Width), second));
        else
            StorePair(to, first, second);
    }
}
