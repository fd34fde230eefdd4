using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies the rows of a band with tokens: a few, up to four at a time, as the weights stream by, more with weights that are decoded once into the first cache.</summary>
/// <typeparam name="TLoops">The inner loops.</typeparam>
internal static unsafe partial class BandKernel<TLoops>
    where TLoops : struct, IBandLoops
{
    private const int TileRows = TileSource.Rows;
    private const int Lanes = ProductShape.Lanes;
    private const int Together = IBandLoops.Together;

    /// <summary>Multiplies all rows of a band with the tokens.</summary>
    public static void Run(in BandProduct product)
    {
        product.Prefetch();
        if (product.Count <= TLoops.FewTokens)
        {
            RunFew(product);
            return;
        }

        var part = Lengths.EvenPart(product.Count, MaxTokens, Together);
        for (var first = 0; first < product.Count; first += part)
            RunMany(product, first, Math.Min(part, product.Count - first));
    }

    [SkipLocalsInit]
    private static void RunFew(in BandProduct product)
    {
        const int lengthOfToken = Lanes * TileRows;
        var scaleCount = TileRows * (long)product.Blocks;
        var scratch = KernelScratch.Reserve(TileSource.LineBytes + (2 * scaleCount * sizeof(float)));
        var scales = (float*)(scratch + TileSource.LineBytes);
        var tokens = stackalloc BandToken[TLoops.FewTokens];
        var sums = stackalloc float[Together * lengthOfToken];
        for (var token = 0; token < product.Count; token++)
            tokens[token] = product.Token(token);
        for (var row = 0; row < product.RowCount; row += TileRows)
        {
            product.AskAhead(row);
            TileScales.DecodeTurned(product, row, TileRows, scales, scales + scaleCount);
            if ((product.RowCount - row - 1) / TileRows is < BandProduct.NextParts and var left)
                product.PrefetchNext(BandProduct.NextParts - 1 - left);
            // After the first tokens a tile lies in the first cache.
            var tile = product.TileAt(row, scratch);
            for (var token = 0; token < product.Count; token += Together)
            {
                var count = Math.Min(Together, product.Count - token);
                new Span<float>(sums, count * lengthOfToken).Clear();
                TLoops.MultiplyTile(tile, scales, product.Blocks, tokens + token, count, sums);
                for (var i = 0; i < count; i++)
                    Write(product, token + i, row, TileRows, sums + (i * lengthOfToken), TileRows);
            }
        }
    }

    /// <summary>Adds the partial sums of some rows' outputs: l and l + 4, then l + 2, then l + 1.</summary>
    private static void Write(in BandProduct product, int token, int first, int rows, float* sums, int laneLength)
    {
        var end = Math.Min(first + rows, product.RowCount);
        for (var row = first; row < end; row += Vector256<float>.Count, sums += Vector256<float>.Count)
        {
            var even = Vector256.Load(sums) + Vector256.Load(sums + (4 * laneLength)) + (Vector256.Load(sums + (2 * laneLength)) + Vector256.Load(sums + (6 * laneLength)));
            var odd = Vector256.Load(sums + laneLength) + Vector256.Load(sums + (5 * laneLength)) + (Vector256.Load(sums + (3 * laneLength)) + Vector256.Load(sums + (7 * laneLength)));
            product.Write(token, row, even + odd);
        }
    }
}
