using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Many tokens: line by line the blocks of a band's 64 rows are decoded into the first cache, interleaved, and meet all tokens before the next line's are.
internal static unsafe partial class BandKernel<TLoops>
{
    private const int BandRows = BandLayout.BandRows;
    private const int TileLine = TileRows * BandLayout.LineBytes;

    // Rows that are interleaved at once.
    private const int EightRows = 2 * TileRows;

    // The partial sums that a block joins, 256 bytes a token, stay in the first cache, and all of them in the second.
    private const int MaxTokens = 64;

    private static void RunMany(in BandProduct product, int firstToken, int count)
    {
        var (blocks, perLine) = (product.Blocks, TLoops.BlocksPerLine);
        var (blockBytes, laneLength, scaleCount) = (BandRows * TLoops.CodeBytes, count * BandRows, (long)blocks * BandRows);
        var codes = KernelScratch.Reserve((perLine * blockBytes) + (sizeof(float) * (((long)Lanes * laneLength) + (2 * scaleCount))));
        var sums = (float*)(codes + (perLine * blockBytes)); // [8 × tokens × 64]
        var scales = sums + ((long)Lanes * laneLength); // [blocks × 64], and then [64 × blocks]
        var tokens = stackalloc ManyToken[MaxTokens + IBandLoops.AheadTokens];
        for (var i = 0; i < count; i++)
            tokens[i] = new ManyToken(product.Activations(firstToken + i), product.ActivationScales(firstToken + i));
        for (var i = 0; i < IBandLoops.AheadTokens; i++)
            tokens[count + i] = new ManyToken(tokens[i].X + PreparedActivations.BlockBytes, tokens[i].Scales); // what comes next: the next block's first ones

        TileScales.DecodeTurned(product, scales + scaleCount, scales);
        if (blocks < Lanes)
            new Span<float>(sums + (blocks * laneLength), (Lanes - blocks) * laneLength).Clear();
        for (var line = 0; line * perLine < blocks; line++)
        {
            DecodeLine(product, line, codes);
            for (var i = 0; i < perLine && (line * perLine) + i < blocks; i++)
            {
                var block = (line * perLine) + i;
                var lane = sums + (block % Lanes * laneLength);
                if (block < Lanes)
                    new Span<float>(lane, laneLength).Clear(); // in the first cache, where its first products follow
                if (blocks - block is <= BandProduct.NextParts and var left)
                    product.PrefetchNext(BandProduct.NextParts - left);
                TLoops.MultiplyBlock(codes + (i * blockBytes), scales + ((long)block * BandRows), block, tokens, count, lane, Ahead(product, line + 1, i, perLine));
            }
        }

        for (var token = 0; token < count; token++)
            Write(product, firstToken + token, sums + (token * BandRows), laneLength);
    }

    private static void DecodeLine(in BandProduct product, int line, byte* codes)
    {
        for (var row = 0; row < BandRows; row += EightRows)
            TLoops.Interleave(LineOf(product, row, line), LineOf(product, row + TileRows, line), codes + (row * sizeof(int)));
    }

    /// <summary>A tile's four lines. Tiles that the band does not have are its last one once more; nobody reads their sums.</summary>
    private static byte* LineOf(in BandProduct product, int row, int line) =>
        product.Tile(Math.Min(row, product.PaddedRows - TileRows)) + ((long)line * TileLine);

    /// <summary>A part of the line that follows, or of the next band's first one.</summary>
    private static TilesAhead Ahead(in BandProduct product, int line, int part, int parts)
    {
        var follows = line * TLoops.BlocksPerLine < product.Blocks;
        var band = follows ? product.Source : product.Next; // which has mostly the same layout
        var tile = product.Tile(band, part * BandRows / parts) + (follows ? (long)line * TileLine : 0);
        return band is null ? default : new TilesAhead(tile, product.TileBytes, BandRows / TileRows / parts);
    }

    private static void Write(in BandProduct product, int token, float* sums, int laneLength)
    {
        for (var row = 0; row < product.RowCount; row += Vector256<float>.Count, sums += Vector256<float>.Count)
        {
            var even = Vector256.Load(sums) + Vector256.Load(sums + (4 * laneLength)) + (Vector256.Load(sums + (2 * laneLength)) + Vector256.Load(sums + (6 * laneLength)));
            var odd = Vector256.Load(sums + laneLength) + Vector256.Load(sums + (5 * laneLength)) + (Vector256.Load(sums + (3 * laneLength)) + Vector256.Load(sums + (7 * laneLength)));
            product.Write(token, row, even + odd);
        }
    }
}
