namespace Deepseek.Inference.Kernels;

// Many tokens: line by line the blocks of a band's 64 rows are decoded into the first cache, and meet all tokens before the next line's are.
internal static unsafe partial class BandKernel<TLoops>
{
    private const int BandRows = BandLayout.BandRows;

    // The partial sums that a block joins, 256 bytes a token, stay in the first cache, and all of them in the second.
    private const int MaxTokens = 64;

    private static void RunMany(in BandProduct product, int firstToken, int count)
    {
        var (blocks, perLine) = (product.Blocks, TLoops.BlocksPerLine);
        var (blockBytes, laneLength, scaleCount) = (BandRows * TLoops.CodeBytes, count * BandRows, (long)blocks * BandRows);
        var scratch = KernelScratch.Reserve(TileSource.LineBytes + (perLine * blockBytes) + (sizeof(float) * (((long)Lanes * laneLength) + (2 * scaleCount))));
        var codes = scratch + TileSource.LineBytes;
        var sums = (float*)(codes + (perLine * blockBytes)); // [8 × tokens × 64]
        var scales = sums + ((long)Lanes * laneLength); // [blocks × 64]
        var tokens = stackalloc BandToken[MaxTokens + IBandLoops.AheadTokens];
        for (var i = 0; i < count; i++)
            tokens[i] = product.Token(firstToken + i);
        for (var i = 0; i < IBandLoops.AheadTokens; i++)
            tokens[count + i] = new BandToken(tokens[i].X + PreparedActivations.BlockBytes, tokens[i].Scales); // what comes next: the next block's first ones

        TileScales.DecodeTurned(product, 0, BandRows, scales, scales + scaleCount);
        if (blocks < Lanes)
            new Span<float>(sums + (blocks * laneLength), (Lanes - blocks) * laneLength).Clear();
        for (var line = 0; line * perLine < blocks; line++)
        {
            DecodeLine(product, line, codes, scratch);
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
            Write(product, firstToken + token, 0, BandRows, sums + (token * BandRows), laneLength);
    }

    /// <summary>Decodes a line of all rows. Tiles that the band does not have are its last one once more; nobody reads their sums.</summary>
    private static void DecodeLine(in BandProduct product, int line, byte* codes, byte* scratch)
    {
        var last = (product.RowCount - 1) / TileRows * TileRows;
        for (var row = 0; row < BandRows; row += TileRows)
            TLoops.Decode(product.TileAt(Math.Min(row, last), scratch), line, codes + (row * sizeof(int)));
    }

    /// <summary>A part of the line that follows, or of the next band's first one.</summary>
    private static LinesAhead Ahead(in BandProduct product, int line, int part, int parts)
    {
        var follows = line * TLoops.BlocksPerLine < product.Blocks;
        var band = follows ? product.Source : product.Next; // which has mostly the same layout
        var bytes = product.Layout.TileRows * BandLayout.LineBytes;
        var tile = product.Lines(band, part * BandRows / parts) + (follows ? (long)line * bytes : 0);
        return band is null ? default : new LinesAhead(tile, bytes, product.TileBytes, BandRows / product.Layout.TileRows / parts);
    }
}
