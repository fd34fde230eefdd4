using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies the rows of a band with tokens: a few, up to four at a time, as the weights stream by, more from chunks of interleaved rows that are decoded once into the first cache.</summary>
/// <typeparam name="TLoops">The inner loops.</typeparam>
internal static unsafe class BandKernel<TLoops>
    where TLoops : struct, IBandLoops
{
    private const int TileRows = BandLayout.TileRows;
    private const int Lanes = ProductShape.Lanes;

    // Tokens that meet a tile at once.
    private const int Together = 4;

    // Up to here decoding a row once for every four tokens costs less than interleaving rows.
    private const int FewTokens = 8;

    // Lines that are asked for at once: as many as a core may wait for.
    private const int IdleBytes = 16 * BandLayout.LineBytes;

    // Half of a processor's first cache, where another program may use the other half.
    private const int ChunkBytes = 16 << 10;

    // Their partial sums, 512 bytes for 16 rows of a token, stay in the second cache.
    private const int MaxTokens = 64;

    private static int ChunkBlocks => ChunkBytes / (TLoops.GroupRows * TLoops.CodeBytes);

    /// <summary>Multiplies all rows of a band with the tokens.</summary>
    public static void Run(in BandProduct product)
    {
        product.Prefetch();
        for (var first = 0; first < product.Count; first += MaxTokens)
        {
            var count = Math.Min(MaxTokens, product.Count - first);
            if (count > FewTokens)
                RunMany(product, first, count);
            else
                RunFew(product, first, count);
        }
    }

    private static void RunFew(in BandProduct product, int firstToken, int count)
    {
        var blocks = product.Blocks;
        var length = (int)Lengths.CeilDiv(blocks, Lanes) * TileScales.GroupLength;
        var scales = (float*)KernelScratch.Reserve((((1L + Together) * length) + ((long)TileRows * blocks)) * sizeof(float));
        for (var row = 0; row < product.RowCount; row += TileRows)
        {
            // Memory answers while scales are decoded.
            BandProduct.Prefetch(product.Tile(row), BandProducts.Ahead, BandProducts.Ahead + IdleBytes);
            TileScales.DecodeGroups(product, row, scales, scales + ((1 + Together) * length));
            if ((product.RowCount - row - 1) / TileRows is < BandProduct.NextParts and var left)
                product.PrefetchNext(BandProduct.NextParts - 1 - left);
            // After the first tokens a tile lies in the first cache.
            for (var token = firstToken; token < firstToken + count; token += Together)
                MultiplyTile(product, row, token, Math.Min(Together, firstToken + count - token), scales, length);
        }
    }

    /// <summary>A tile and one to four tokens.</summary>
    [SkipLocalsInit]
    private static void MultiplyTile(in BandProduct product, int row, int token, int count, float* scales, int length)
    {
        var blocks = product.Blocks;
        var sums = stackalloc float[Together * TileRows * Lanes];
        var tokens = stackalloc TileToken[Together];
        for (var i = 0; i < count; i++)
        {
            var factors = scales + ((1 + i) * length);
            TileScales.Multiply(scales, blocks, product.ActivationScales(token + i), factors);
            tokens[i] = new TileToken(product.Activations(token + i), factors);
        }

        // Whole groups of blocks where the next tile follows: factors of 0 take back what is read of it.
        var read = row + TileRows < product.RowCount ? length / TileRows : blocks;
        switch (count)
        {
            case 1:
                TLoops.MultiplyTile(product.Tile(row), tokens[0], read, sums);
                break;
            case 2:
                TLoops.MultiplyTile(product.Tile(row), tokens[0], tokens[1], read, sums);
                break;
            default:
                if (count == 3)
                    tokens[3] = tokens[2]; // costs less than a pass of its own for the third
                TLoops.MultiplyTile(product.Tile(row), tokens, read, sums);
                break;
        }

        for (var i = 0; i < count; i++)
            product.Write(token + i, row, LaneSum.OfFour(sums + (i * TileRows * Lanes)));
    }

    private static void RunMany(in BandProduct product, int firstToken, int count)
    {
        var (blocks, rows) = (product.Blocks, TLoops.GroupRows);
        var (sumCount, scaleCount) = ((long)count * Lanes * rows, (long)blocks * rows);
        var scratchBytes = Lanes * TLoops.CodeBytes;
        var codes = KernelScratch.Reserve(ChunkBytes + scratchBytes + (sizeof(float) * (sumCount + (2 * scaleCount))));
        var scratch = codes + ChunkBytes; // a decoded block of eight rows
        var sums = (float*)(scratch + scratchBytes); // [tokens × 8 × rows]
        var scales = sums + sumCount; // [blocks × rows], and then [rows × blocks]
        var tokens = stackalloc ChunkToken[MaxTokens];
        for (var i = 0; i < count; i++)
            tokens[i] = new ChunkToken(product.Activations(firstToken + i), product.ActivationScales(firstToken + i), sums + ((long)i * Lanes * rows));
        for (var row = 0; row < product.RowCount; row += rows)
        {
            TileScales.DecodeTurned(product, row, rows, scales + scaleCount, scales);
            new Span<float>(sums, (int)sumCount).Clear();
            for (var block = 0; block < blocks; block += ChunkBlocks)
            {
                var width = Math.Min(ChunkBlocks, blocks - block);
                DecodeChunk(product, row, block, width, scratch, codes);
                PrefetchChunk(product, row, block + width);
                MultiplyChunk(codes, scales + ((long)block * rows), block, width, tokens, count);
            }

            Write(product, firstToken, count, row, sums);
        }
    }

    private static void DecodeChunk(in BandProduct product, int firstRow, int firstBlock, int width, byte* scratch, byte* codes)
    {
        var rows = TLoops.GroupRows;
        var lines = stackalloc byte*[rows];
        for (var i = 0; i < rows; i++)
        {
            // Rows that the band does not have are those of its last tile once more; nobody reads their sums.
            var row = firstRow + i < product.PaddedRows ? firstRow + i : product.PaddedRows - TileRows + (i % TileRows);
            lines[i] = product.Tile(row - (row % TileRows)) + ((((long)firstBlock / TLoops.BlocksPerLine * TileRows) + (row % TileRows)) * BandLayout.LineBytes);
        }

        // Of a row's last line perhaps one block more than there is: for it there is room.
        for (var block = 0; block < width; block += TLoops.BlocksPerLine, codes += TLoops.BlocksPerLine * rows * TLoops.CodeBytes)
        {
            TLoops.Interleave(lines, scratch, codes);
            for (var i = 0; i < rows; i++)
                lines[i] += TileRows * BandLayout.LineBytes;
        }
    }

    /// <summary>Asks for the chunk that follows: it has as much time to come as all tokens need for the one before.</summary>
    private static void PrefetchChunk(in BandProduct product, int row, int block)
    {
        if (block >= product.Blocks)
            (row, block) = (row + TLoops.GroupRows, 0);
        if (row >= product.RowCount)
            product.PrefetchNext();
        var from = block / TLoops.BlocksPerLine * TileRows * BandLayout.LineBytes;
        for (var tile = row; tile < Math.Min(row + TLoops.GroupRows, product.RowCount); tile += TileRows)
            BandProduct.Prefetch(product.Tile(tile), from, from + (ChunkBlocks / TLoops.BlocksPerLine * TileRows * BandLayout.LineBytes));
    }

    /// <summary>A chunk and all tokens, as many at a time as can be.</summary>
    private static void MultiplyChunk(byte* codes, float* scales, int block, int width, ChunkToken* tokens, int count)
    {
        for (var token = 0; token < count;)
        {
            var left = count - token;
            var some = left >= TLoops.ChunkTokens ? TLoops.ChunkTokens : left >= 4 ? 4 : left >= 2 ? 2 : 1;
            TLoops.MultiplyChunk(codes, scales, block, width, tokens + token, some);
            token += some;
        }
    }

    private static void Write(in BandProduct product, int firstToken, int count, int row, float* sums)
    {
        var rows = TLoops.GroupRows;
        for (var token = 0; token < count; token++, sums += Lanes * rows)
        {
            for (var i = 0; i < rows && row + i < product.RowCount; i += Vector256<float>.Count)
            {
                var lane = sums + i;
                var even = Vector256.Load(lane) + Vector256.Load(lane + (4 * rows)) + (Vector256.Load(lane + (2 * rows)) + Vector256.Load(lane + (6 * rows)));
                var odd = Vector256.Load(lane + rows) + Vector256.Load(lane + (5 * rows)) + (Vector256.Load(lane + (3 * rows)) + Vector256.Load(lane + (7 * rows)));
                product.Write(firstToken + token, row + i, even + odd);
            }
        }
    }
}
