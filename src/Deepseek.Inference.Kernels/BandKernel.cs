using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies the rows of a band with tokens: a few, up to four at a time, as the weights stream by, more from interleaved rows that are decoded once into the first cache.</summary>
/// <typeparam name="TLoops">The inner loops.</typeparam>
internal static unsafe partial class BandKernel<TLoops>
    where TLoops : struct, IBandLoops
{
    private const int TileRows = BandLayout.TileRows;
    private const int Lanes = ProductShape.Lanes;

    // Tokens that meet a tile at once.
    private const int Together = 4;

    // Lines that are asked for at once: as many as a core may wait for.
    private const int IdleBytes = 16 * BandLayout.LineBytes;

    /// <summary>Multiplies all rows of a band with the tokens.</summary>
    public static void Run(in BandProduct product)
    {
        product.Prefetch();
        for (var first = 0; first < product.Count; first += MaxTokens)
        {
            var count = Math.Min(MaxTokens, product.Count - first);
            if (count > TLoops.FewTokens)
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
}
