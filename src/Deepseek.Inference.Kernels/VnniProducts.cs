using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies the rows of a band with tokens in machine code of AVX512-VNNI.</summary>
/// <typeparam name="TNumbers">What activations are.</typeparam>
/// <remarks>
/// For few tokens and for many alike the weights of 16 rows meet eight tokens at a time, and are decoded anew for every eight: units of the processor that do not multiply do so meanwhile.
/// </remarks>
internal static unsafe class VnniProducts<TNumbers>
    where TNumbers : struct, IVnniNumbers
{
    // Activations of a part stay in the second cache, beside a band's weights.
    private const int PartBytes = 256 << 10;
    private const int LeastOfPart = 16;

    private const int Together = VnniCode.MostTokens;
    private const int TileRows = TileSource.Rows;
    private const int SumsLength = Together * ProductShape.Lanes * TileRows;

    private static readonly float* Zeros = (float*)NativeMemory.AllocZeroed(SumsLength, sizeof(float));

    /// <summary>Multiplies all rows of a band with the tokens, in parts of one size: a few tokens left over would read all weights once more.</summary>
    public static void Run(in BandProduct product)
    {
        product.Prefetch();
        var most = Math.Max(LeastOfPart, PartBytes / (product.Blocks * PreparedActivations.BlockBytes));
        var parts = (int)Lengths.CeilDiv(product.Count, most);
        var part = (int)Lengths.CeilDiv(Lengths.CeilDiv(product.Count, parts), Together) * Together;
        for (var first = 0; first < product.Count; first += part)
            Run(product, first, Math.Min(part, product.Count - first));
    }

    [SkipLocalsInit]
    private static void Run(in BandProduct product, int first, int count)
    {
        var tokens = stackalloc BandToken[count];
        for (var i = 0; i < count; i++)
            tokens[i] = product.Token(first + i);
        var sums = stackalloc float[SumsLength];
        if (product.Blocks < ProductShape.Lanes)
            new Span<float>(sums, SumsLength).Clear();
        VnniTile tile = new()
        {
            ScaleBytes = product.Layout.TileHeaderBytes,
            Steps = (float*)product.Source,
            Tables = IsPlain(product.Layout) ? TNumbers.BytesOfWeights : TNumbers.Levels,
            End = (long)product.Blocks * PreparedActivations.BlockBytes,
            Sums = sums,
            Zeros = Zeros,
            Factor = product.Factor,
        };
        // Few tokens meet all whole tiles in one call; of more, all meet a tile while it lies in the first cache.
        var together = product.Layout.Precision == WeightPrecision.Nf4 && count <= Together ? Math.Max(1, product.RowCount / TileRows) : 1;
        for (var row = 0; row < product.RowCount; row += together * TileRows)
        {
            if (product.RowCount - row < together * TileRows)
                together = 1;
            product.AskAhead(row);
            var weights = Arrange(product, row, ref tile);
            tile.Tiles = together;
            Multiply(product, row, tile, weights, tokens, first, count);
        }
    }

    private static bool IsPlain(BandLayout layout) => layout.TileRows != TileRows;

    /// <summary>The weights and scales of 16 rows: as they are stored, or made once for all tokens.</summary>
    private static VnniWeights Arrange(in BandProduct product, int row, ref VnniTile tile)
    {
        tile.StepAt = (long)row / TileRows * product.Blocks;
        if (product.Layout.Precision == WeightPrecision.Nf4)
        {
            tile.Lines = product.Lines(product.Source, row);
            tile.Scales = product.Tile(row);
            return VnniWeights.Nf4;
        }

        var (lines, scaleCount) = (product.Layout.LinesPerRow, TileRows * (long)product.Blocks);
        var lineBytes = IsPlain(product.Layout) ? (long)lines * TileSource.LineBytes : 0;
        var scratch = KernelScratch.Reserve(lineBytes + (2 * scaleCount * sizeof(float)));
        var scales = (float*)(scratch + lineBytes);
        TileScales.DecodeTurned(product, row, TileRows, scales, scales + scaleCount);
        tile.Lines = product.Lines(product.Source, row);
        tile.Scales = scales;
        if (!IsPlain(product.Layout))
            return VnniWeights.Nibbles;
        product.TileAt(row, scratch).InterleaveAll(lines);
        tile.Lines = scratch;
        return VnniWeights.Bytes;
    }

    /// <summary>Multiplies 16 rows with the tokens.</summary>
    private static void Multiply(in BandProduct product, int row, in VnniTile tile, VnniWeights weights, BandToken* tokens, int first, int count)
    {
        var outputs = stackalloc float[Together * TileRows];
        var isWhole = row + TileRows <= product.RowCount;
        for (var token = 0; token < count; token += Together)
        {
            var some = Math.Min(Together, count - token);
            var call = tile;
            call.Tokens = tokens + token;
            call.Outputs = isWhole ? product.Output(first + token, row) : outputs;
            call.Stride = sizeof(float) * (isWhole ? product.Stride : TileRows);
            VnniCode.Tile(weights, TNumbers.AreBytes, some)(&call);
            for (var i = 0; !isWhole && i < some; i++)
                new ReadOnlySpan<float>(outputs + (i * TileRows), product.RowCount - row).CopyTo(new Span<float>(product.Output(first + token + i, row), TileRows));
        }
    }
}
