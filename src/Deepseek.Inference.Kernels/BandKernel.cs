using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies the rows of a band with tokens: a few, two at a time, as the weights stream by, more from chunks of interleaved rows that are decoded once into the first cache.</summary>
/// <typeparam name="TLoops">The inner loops.</typeparam>
internal static unsafe class BandKernel<TLoops>
    where TLoops : struct, IBandLoops
{
    private const int TileRows = BandLayout.TileRows;
    private const int Lanes = ProductShape.Lanes;

    // Tokens that meet a tile at once.
    private const int Together = 4;

    // Up to here decoding a row once for every four tokens costs less than interleaving rows.
    private const int FewTokens = 12;

    // Lines of the first tile.
    private const int FirstBytes = 1024;

    // Half of a processor's first cache, where another program may use the other half.
    private const int ChunkBytes = 16 << 10;

    // Their partial sums, 512 bytes for 16 rows of a token, stay in the second cache.
    private const int MaxTokens = 64;

    private static int ChunkBlocks => ChunkBytes / (TLoops.GroupRows * TLoops.CodeBytes);

    /// <summary>Multiplies all rows of a band with the tokens.</summary>
    public static void Run(in BandProduct product)
    {
        // The scales and what follows them: kernels themselves ask for what lies further ahead.
        TileScales.Prefetch(product.Source, product.Layout.HeaderBytesOf(product.Band) + FirstBytes);
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
        var padded = (int)Lengths.CeilDiv(product.Layout.BlocksPerRow, Lanes) * Lanes;
        var memory = (float*)KernelScratch.Reserve((((1L + Together) * TileRows * padded) + TileScales.Vector) * sizeof(float));
        for (var row = 0; row < product.RowCount; row += TileRows)
        {
            var rows = TileScales.Decode(product, row, memory);
            // After the first tokens a tile lies in the first cache.
            for (var token = firstToken; token < firstToken + count; token += Together)
                MultiplyTile(product, row, rows, token, Math.Min(Together, firstToken + count - token), padded, memory);
        }
    }

    /// <summary>A tile and one to four tokens.</summary>
    private static void MultiplyTile(in BandProduct product, int row, int rows, int token, int count, int padded, float* scales)
    {
        var blocks = product.Layout.BlocksPerRow;
        // Whole groups of blocks where the next tile follows: factors of 0 take back what is read of it.
        var read = row + TileRows < product.RowCount ? padded : blocks;
        var sums = stackalloc float[Together * TileRows * Lanes];
        var outputs = stackalloc float[TileRows];
        var tokens = stackalloc TileToken[Together];
        for (var i = 0; i < count; i++)
        {
            var factors = scales + ((1 + i) * TileRows * padded) + TileScales.Vector;
            TileScales.Multiply(scales, rows, blocks, product.ActivationScales(token + i), factors, padded);
            tokens[i] = new TileToken(product.Activations(token + i), factors);
        }

        switch (count)
        {
            case 1:
                TLoops.MultiplyTile(product.Tile(row), tokens[0].X, tokens[0].Factors, padded, read, sums);
                break;
            case 2:
                TLoops.MultiplyTile(product.Tile(row), tokens[0], tokens[1], padded, read, sums);
                break;
            default:
                if (count == 3)
                    tokens[3] = tokens[2]; // costs less than a pass of its own for the third
                TLoops.MultiplyTile(product.Tile(row), tokens, padded, read, sums);
                break;
        }

        for (var i = 0; i < count * TileRows; i++)
        {
            outputs[i % TileRows] = LaneSum.Of(Vector256.Load(sums + (i * Lanes)));
            if (i % TileRows == TileRows - 1)
                product.Write(token + (i / TileRows), row, outputs);
        }
    }

    private static void RunMany(in BandProduct product, int firstToken, int count)
    {
        var (blocks, rows) = (product.Layout.BlocksPerRow, TLoops.GroupRows);
        var (sumCount, scaleCount) = ((long)count * Lanes * rows, (long)blocks * rows);
        var scratchBytes = Lanes * TLoops.CodeBytes;
        var codes = KernelScratch.Reserve(ChunkBytes + scratchBytes + (sizeof(float) * (sumCount + (2 * scaleCount))));
        var scratch = codes + ChunkBytes; // a decoded block of eight rows
        var sums = (float*)(scratch + scratchBytes); // [tokens × 8 × rows]
        var scales = sums + sumCount; // [rows × blocks], and then [blocks × rows]
        for (var row = 0; row < product.RowCount; row += rows)
        {
            var turned = TileScales.DecodeTurned(product, row, rows, scales, scales + scaleCount);
            new Span<float>(sums, (int)sumCount).Clear();
            for (var block = 0; block < blocks; block += ChunkBlocks)
            {
                var width = Math.Min(ChunkBlocks, blocks - block);
                DecodeChunk(product, row, block, width, scratch, codes);
                MultiplyChunks(product, firstToken, count, block, width, codes, turned + ((long)block * rows), sums);
            }

            Write(product, firstToken, count, row, sums);
        }
    }

    private static void DecodeChunk(in BandProduct product, int firstRow, int firstBlock, int width, byte* scratch, byte* codes)
    {
        var rows = TLoops.GroupRows;
        var lines = stackalloc byte*[rows];
        for (var block = firstBlock; block < firstBlock + width; block++, codes += rows * TLoops.CodeBytes)
        {
            for (var i = 0; i < rows; i++)
            {
                // Rows that the band does not have are those of its last tile once more; nobody reads their sums.
                var row = firstRow + i < product.PaddedRows ? firstRow + i : product.PaddedRows - TileRows + (i % TileRows);
                lines[i] = product.Tile(row - (row % TileRows)) + ((((long)block / TLoops.BlocksPerLine * TileRows) + (row % TileRows)) * BandLayout.LineBytes);
            }

            TLoops.Interleave(lines, TLoops.BlocksPerLine == 2 && block % 2 == 1, scratch, codes);
        }
    }

    /// <summary>A chunk and all tokens, four at a time, then two, then one.</summary>
    private static void MultiplyChunks(in BandProduct product, int firstToken, int count, int block, int width, byte* codes, float* scales, float* sums)
    {
        var tokens = stackalloc ChunkToken[4];
        for (var token = 0; token < count;)
        {
            var some = count - token >= 4 ? 4 : count - token >= 2 ? 2 : 1;
            for (var i = 0; i < some; i++, token++)
            {
                tokens[i] = new ChunkToken(
                    product.Activations(firstToken + token) + ((long)block * PreparedActivations.BlockBytes), product.ActivationScales(firstToken + token) + block,
                    sums + ((long)token * Lanes * TLoops.GroupRows));
            }

            TLoops.MultiplyChunk(codes, scales, block, width, tokens, some);
        }
    }

    private static void Write(in BandProduct product, int firstToken, int count, int row, float* sums)
    {
        var rows = TLoops.GroupRows;
        var outputs = stackalloc float[Vector256<float>.Count];
        for (var token = 0; token < count; token++, sums += Lanes * rows)
        {
            for (var i = 0; i < rows && row + i < product.RowCount; i += Vector256<float>.Count)
            {
                var even = Lane(i, 0) + Lane(i, 4) + (Lane(i, 2) + Lane(i, 6));
                var odd = Lane(i, 1) + Lane(i, 5) + (Lane(i, 3) + Lane(i, 7));
                (even + odd).Store(outputs);
                product.Write(firstToken + token, row + i, outputs);
                if (row + i + TileRows < product.RowCount)
                    product.Write(firstToken + token, row + i + TileRows, outputs + TileRows);
            }
        }

        Vector256<float> Lane(int i, int lane) => Vector256.Load(sums + (lane * rows) + i);
    }
}
