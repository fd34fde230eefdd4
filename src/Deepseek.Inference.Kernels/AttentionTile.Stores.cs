using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// What comes into scratch before the kernels, and what they leave there.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    private static void PrepareSingles(in AttentionCall call, in AttentionScratch scratch, int block, int group, int firstRow, int rows)
    {
        if (*scratch.PreparedBlock == call.FirstBlock + block)
            return;

        *scratch.PreparedBlock = call.FirstBlock + block;
        var width = call.QueryWidth;
        for (var row = 0; row < rows; row++)
            ScaleQuery(call.Query(group, firstRow + row), call.Shape.KeyWidth, call.Scale, scratch.Queries + ((long)row * width), width);
        NativeMemory.Clear(scratch.Queries + ((long)rows * width), (nuint)(AttentionCall.Padded(rows, Rows) - rows) * (nuint)width * sizeof(float));
        TurnQueries(scratch, LaneRows(rows), width);
    }

    // Every 8th element of 16 rows, one after the other.
    private static void TurnQueries(in AttentionScratch scratch, int rows, int width)
    {
        for (var row = 0; row < rows; row += Lanes)
        {
            for (var part = 0; part < Lanes; part += Passes)
            {
                var from = scratch.Queries + ((long)(row + part) * width);
                var to = scratch.LaneQueries + ((long)row * width) + part;
                for (var i = 0; i < width; i += Passes)
                    Transposition.Eight((byte*)(from + i), (byte*)(from + i + (4 * width)), width * sizeof(float), (byte*)(to + (i / Passes * Lanes)), width / Passes * Lanes * sizeof(float));
            }
        }
    }

    // A query times the scale, filled up with zeros.
    private static void ScaleQuery(float* query, int width, float scale, float* destination, int padded)
    {
        var whole = width - (width % Width);
        for (nint i = 0; i < whole; i += Width)
            TLanes.Store(TLanes.Multiply(TLanes.Load(query + i), TLanes.Create(scale)), destination + i);
        for (nint i = whole; i < padded; i++)
            destination[i] = i < width ? query[i] * scale : 0;
    }

    private static void CopySingles(in AttentionCall call, int group, long position, float* row)
    {
        var shape = call.Shape;
        Widened(call, position, shape.KeyOffset + (group * shape.KeyWidth), shape.KeyWidth, row);
        new Span<float>(row + shape.KeyWidth, call.QueryWidth - shape.KeyWidth).Clear();
        if (!call.SharesValues)
            Widened(call, position, shape.ValueOffset + (group * shape.ValueWidth), shape.ValueWidth, row + call.QueryWidth);
    }

    private static void Widened(in AttentionCall call, long position, int element, int width, float* destination)
    {
        var from = call.Cache.At(position, element);
        AskAhead(call.Cache.At(position + GroupPositions, element), width * call.Cache.ElementBytes);
        if (call.Cache.Format == CacheFormat.Fp32)
            new ReadOnlySpan<float>(from, width).CopyTo(new Span<float>(destination, width));
        else
            Widen.From(call.Cache.Format == CacheFormat.BF16 ? Widen.Format.BFloat16 : Widen.Format.Half, TLanes.WideningPath, new ReadOnlySpan<ushort>(from, width), new Span<float>(destination, width));
    }

    // A group is copied in less time than memory takes to answer; behind the last one it asks in vain.
    private static void AskAhead(byte* from, int bytes)
    {
        if (!Sse.IsSupported)
            return;
        for (var i = 0; i < bytes; i += BandLayout.LineBytes)
            Sse.Prefetch1(from + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreLanes(float* lanes, TSingle s00, TSingle s01, TSingle s10, TSingle s11, TSingle s20, TSingle s21, TSingle s30, TSingle s31)
    {
        TLanes.Store(s00, lanes);
        TLanes.Store(s01, lanes + Lanes);
        TLanes.Store(s10, lanes + (2 * Lanes));
        TLanes.Store(s11, lanes + (3 * Lanes));
        TLanes.Store(s20, lanes + (4 * Lanes));
        TLanes.Store(s21, lanes + (5 * Lanes));
        TLanes.Store(s30, lanes + (6 * Lanes));
        TLanes.Store(s31, lanes + (7 * Lanes));
    }

    // The scores of 4 rows at 2 positions.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreScores(Vector256<float> scores, float* to)
    {
        var (low, high) = (scores.GetLower().AsInt64(), scores.GetUpper().AsInt64());
        Unsafe.WriteUnaligned(to, low[0]);
        Unsafe.WriteUnaligned(to + SplitPositions, low[1]);
        Unsafe.WriteUnaligned(to + (2 * SplitPositions), high[0]);
        Unsafe.WriteUnaligned(to + (3 * SplitPositions), high[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePair(float* to, TSingle first, TSingle second)
    {
        TLanes.Store(first, to);
        TLanes.Store(second, to + Width);
    }
}
