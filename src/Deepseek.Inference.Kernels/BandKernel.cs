namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies the rows of a band with tokens: one or two as the weights stream by, more from pieces of two tiles that are decoded once into the first cache.</summary>
/// <typeparam name="TLoops">The inner loops.</typeparam>
internal static unsafe class BandKernel<TLoops>
    where TLoops : struct, IBandLoops
{
    private const int TileRows = BandLayout.TileRows;
    private const int Chunk = ProductShape.ChunkBlocks;
    private const int Lanes = ProductShape.Lanes;

    // 16 KB of decoded weights: half of a processor's first cache. Activations are read from the second cache once for so many rows.
    private const int GroupRows = 2 * TileRows;

    // Their partial sums, 32 KB, stay in the second cache.
    private const int MaxTokens = 64;

    /// <summary>Multiplies all rows of a band with the tokens.</summary>
    public static void Run(in BandProduct product)
    {
        TileScales.Prefetch(product.Source, product.Layout.HeaderBytesOf(product.Band));
        for (var first = 0; first < product.Count; first += MaxTokens)
        {
            var count = Math.Min(MaxTokens, product.Count - first);
            if (count > 2)
                RunMany(product, first, count);
            else
                RunFew(product, first, count);
        }
    }

    private static void RunFew(in BandProduct product, int token, int count)
    {
        var blocks = product.Layout.BlocksPerRow;
        var scales = (float*)KernelScratch.Reserve(3L * TileRows * blocks * sizeof(float));
        var factors = scales + (TileRows * blocks);
        var otherFactors = factors + (TileRows * blocks);
        var sums = stackalloc float[2 * TileRows];
        for (var row = 0; row < product.RowCount; row += TileRows)
        {
            TileScales.DecodeMultiply(product.Path, product.Layout, product.Band, product.Source, row, product.ActivationScales(token), scales, factors);
            if (count == 2)
                TileScales.DecodeMultiply(product.Path, product.Layout, product.Band, product.Source, row, product.ActivationScales(token + 1), scales, otherFactors);
            for (var half = 0; half < TileRows; half += 2)
            {
                var line = product.Tile(row) + (half * BandLayout.LineBytes);
                if (count == 1)
                    TLoops.MultiplyRows(line, product.Activations(token), factors + (half * blocks), blocks, sums + half);
                else
                    TLoops.MultiplyRows(line, product.Activations(token), product.Activations(token + 1), factors + (half * blocks), otherFactors + (half * blocks), blocks, sums + half);
            }

            for (var i = 0; i < count; i++)
                product.Write(token + i, row, sums + (i * TileRows));
        }
    }

    private static void RunMany(in BandProduct product, int firstToken, int count)
    {
        var blocks = product.Layout.BlocksPerRow;
        var codeBytes = (long)GroupRows * Chunk * TLoops.CodeBytes;
        var sumCount = (long)count * GroupRows * Lanes;
        var memory = KernelScratch.Reserve(codeBytes + (sizeof(float) * (sumCount + (2 * GroupRows * Chunk) + ((long)GroupRows * blocks))));
        var sums = (float*)(memory + codeBytes); // [tokens × 8 × 16]
        var factors = sums + sumCount; // [2 × 8 × chunk]
        var scales = factors + (2 * GroupRows * Chunk); // [8 × blocks]
        for (var row = 0; row < product.RowCount; row += GroupRows)
        {
            var rows = Math.Min(GroupRows, (int)Lengths.CeilDiv(product.RowCount - row, TileRows) * TileRows);
            for (var tile = 0; tile < rows; tile += TileRows)
                TileScales.Decode(product.Path, product.Layout, product.Band, product.Source, row + tile, scales + ((long)tile * blocks));
            new Span<float>(sums, (int)sumCount).Clear();
            for (var block = 0; block < blocks; block += Chunk)
            {
                var width = Math.Min(Chunk, blocks - block);
                for (var tile = 0; tile < rows; tile += TileRows)
                    TLoops.Decode(product.Tile(row + tile) + ((long)block / TLoops.BlocksPerLine * TileRows * BandLayout.LineBytes), width, memory + ((long)tile * Chunk * TLoops.CodeBytes));
                MultiplyChunks(product, firstToken, count, rows, block, width, memory, scales, factors, sums);
            }

            Write(product, firstToken, count, row, rows, sums);
        }
    }

    /// <summary>A decoded chunk of some rows and all tokens, two at a time.</summary>
    private static void MultiplyChunks(
        in BandProduct product, int firstToken, int count, int rows, int block, int width, byte* codes, float* scales, float* factors, float* sums)
    {
        for (var token = 0; token < count; token += 2, sums += 2 * GroupRows * Lanes)
        {
            var first = At(product, firstToken + token, rows, block, width, scales, factors, sums);
            var second = token + 1 < count ? At(product, firstToken + token + 1, rows, block, width, scales, factors + (GroupRows * Chunk), sums + (GroupRows * Lanes)) : default;
            TLoops.MultiplyChunk(codes, rows, width, first, second);
        }
    }

    private static ChunkToken At(in BandProduct product, int token, int rows, int block, int width, float* scales, float* factors, float* sums)
    {
        TileScales.Multiply(scales + block, product.Layout.BlocksPerRow, product.ActivationScales(token) + block, width, factors, rows);
        return new ChunkToken(product.Activations(token) + ((long)block * PreparedActivations.BlockBytes), factors, sums);
    }

    private static void Write(in BandProduct product, int firstToken, int count, int row, int rows, float* sums)
    {
        var outputs = stackalloc float[TileRows];
        for (var token = 0; token < count; token++, sums += GroupRows * Lanes)
        {
            for (var tile = 0; tile < rows; tile += TileRows)
            {
                for (var i = 0; i < TileRows; i++)
                    outputs[i] = Sum(sums + ((tile + i) * Lanes));
                product.Write(firstToken + token, row + tile, outputs);
            }
        }
    }

    private static float Sum(float* lanes) =>
        LaneSum.Of(System.Runtime.Intrinsics.Vector256.Load(lanes) + System.Runtime.Intrinsics.Vector256.Load(lanes + ProductShape.BlockLanes));
}
