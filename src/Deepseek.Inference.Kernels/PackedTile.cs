using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

/// <summary>A few rows times a few tokens, both packed, in registers.</summary>
internal unsafe interface IPackedTile
{
    /// <summary>Singles of a vector.</summary>
    static abstract int Width { get; }

    /// <summary>Rows of a tile.</summary>
    static abstract int Rows { get; }

    /// <summary>Tokens of a tile.</summary>
    static abstract int Tokens { get; }

    /// <summary>Copies a row to its place among those of its group.</summary>
    /// <param name="from">The row.</param>
    /// <param name="columns">Columns, a multiple of 16.</param>
    /// <param name="to">Its place in the first step of the first part.</param>
    /// <param name="together">Rows of the group.</param>
    static abstract void Pack(float* from, int columns, float* to, int together);

    /// <summary>Adds the products of one part of the columns to partial sums.</summary>
    /// <param name="weights">[steps × rows × width].</param>
    /// <param name="x">[steps × tokens × width].</param>
    /// <param name="steps">Sixteens of columns.</param>
    /// <param name="sums">The first one's; those of a row lie 16 apart.</param>
    /// <param name="stride">From one token's sums to the next one's.</param>
    /// <param name="first">Whether sums begin from 0, whatever lies there.</param>
    static abstract void Multiply(float* weights, float* x, int steps, float* sums, int stride, bool first);
}

/// <summary>4 rows × 3 tokens: 12 sums, 3 activations and a weight fill 16 registers, 7 loads meet 12 multiply-adds.</summary>
internal readonly unsafe struct PackedTile<TSingle, TInt32, TInt16, TLanes> : IPackedTile
    where TSingle : struct
    where TInt32 : struct
    where TInt16 : struct
    where TLanes : struct, ILanes<TSingle, TInt32, TInt16>
{
    public static int Width => TLanes.Count;

    public static int Rows => 4;

    public static int Tokens => 3;

    [MethodImpl(HotLoop.Options)]
    public static void Pack(float* from, int columns, float* to, int together)
    {
        var step = together * TLanes.Count;
        for (var part = 0; part < FloatProducts.Lanes; part += TLanes.Count)
        {
            for (nint column = part; column < columns; column += FloatProducts.Lanes, to += step)
                TLanes.Store(TLanes.Load(from + column), to);
        }
    }

    [MethodImpl(HotLoop.Options)]
    public static void Multiply(float* weights, float* x, int steps, float* sums, int stride, bool first)
    {
        var second = sums + stride;
        var third = second + stride;
        TSingle s00, s10, s20, s30, s01, s11, s21, s31, s02, s12, s22, s32;
        if (first)
        {
            s00 = s10 = s20 = s30 = s01 = s11 = s21 = s31 = s02 = s12 = s22 = s32 = TLanes.Create(0);
        }
        else
        {
            (s00, s10, s20, s30) = (TLanes.Load(sums), TLanes.Load(sums + FloatProducts.Lanes), TLanes.Load(sums + (2 * FloatProducts.Lanes)), TLanes.Load(sums + (3 * FloatProducts.Lanes)));
            (s01, s11, s21, s31) = (TLanes.Load(second), TLanes.Load(second + FloatProducts.Lanes), TLanes.Load(second + (2 * FloatProducts.Lanes)), TLanes.Load(second + (3 * FloatProducts.Lanes)));
            (s02, s12, s22, s32) = (TLanes.Load(third), TLanes.Load(third + FloatProducts.Lanes), TLanes.Load(third + (2 * FloatProducts.Lanes)), TLanes.Load(third + (3 * FloatProducts.Lanes)));
        }

        for (var end = weights + ((long)steps * 4 * TLanes.Count); weights < end; weights += 4 * TLanes.Count, x += 3 * TLanes.Count)
        {
            var x0 = TLanes.Load(x);
            var x1 = TLanes.Load(x + TLanes.Count);
            var x2 = TLanes.Load(x + (2 * TLanes.Count));
            var w = TLanes.Load(weights);
            s00 = TLanes.FusedMultiplyAdd(x0, w, s00);
            s01 = TLanes.FusedMultiplyAdd(x1, w, s01);
            s02 = TLanes.FusedMultiplyAdd(x2, w, s02);
            w = TLanes.Load(weights + TLanes.Count);
            s10 = TLanes.FusedMultiplyAdd(x0, w, s10);
            s11 = TLanes.FusedMultiplyAdd(x1, w, s11);
            s12 = TLanes.FusedMultiplyAdd(x2, w, s12);
            w = TLanes.Load(weights + (2 * TLanes.Count));
            s20 = TLanes.FusedMultiplyAdd(x0, w, s20);
            s21 = TLanes.FusedMultiplyAdd(x1, w, s21);
            s22 = TLanes.FusedMultiplyAdd(x2, w, s22);
            w = TLanes.Load(weights + (3 * TLanes.Count));
            s30 = TLanes.FusedMultiplyAdd(x0, w, s30);
            s31 = TLanes.FusedMultiplyAdd(x1, w, s31);
            s32 = TLanes.FusedMultiplyAdd(x2, w, s32);
        }

        Store(sums, s00, s10, s20, s30);
        Store(second, s01, s11, s21, s31);
        Store(third, s02, s12, s22, s32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* sums, TSingle first, TSingle second, TSingle third, TSingle fourth)
    {
        TLanes.Store(first, sums);
        TLanes.Store(second, sums + FloatProducts.Lanes);
        TLanes.Store(third, sums + (2 * FloatProducts.Lanes));
        TLanes.Store(fourth, sums + (3 * FloatProducts.Lanes));
    }
}
