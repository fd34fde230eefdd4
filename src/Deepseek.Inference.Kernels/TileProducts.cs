using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies the rows of a band with tokens in machine code.</summary>
/// <typeparam name="TCode">The code.</typeparam>
/// <remarks>
/// The weights of 16 rows meet so many tokens at a time as the code takes, and are decoded anew for every so many: with AVX512-VNNI units of the processor that do not multiply do so meanwhile. There the begin of the next band is
/// not asked for: that gained nothing, and where bands follow one another it cost a twelfth.
/// </remarks>
internal static unsafe class TileProducts<TCode>
    where TCode : struct, ITileCode
{
    // Activations of a part stay in the second cache, beside a band's weights.
    private const int PartBytes = 256 << 10;
    private const int LeastOfPart = 16;

    // Blocks times tokens of a call: some 20 µs with AVX512-VNNI, up to 60 with AVX2.
    private const int MostWork = 2048;

    private const int TileRows = TileSource.Rows;

    private static readonly float* Zeros = KeptMemory.Zeros(SumsLength);

    private static int Together => TCode.MostTokens;

    private static int SumsLength => Together * ProductShape.Lanes * TileRows;

    /// <summary>Multiplies all rows of a band with the tokens.</summary>
    public static void Run(in BandProduct product)
    {
        product.Prefetch();
        var most = Math.Max(LeastOfPart, (int)(PartBytes / product.XBytes));
        var part = Lengths.EvenPart(product.Count, most, Together);
        for (var first = 0; first < product.Count; first += part)
            Run(product, first, Math.Min(part, product.Count - first));
    }

    private static TileWeights WeightsOf(BandLayout layout) => layout.Precision switch
    {
        WeightPrecision.Nf4 => TileWeights.Nf4,
        WeightPrecision.Nf4Dynamic => TileWeights.Nibbles,
        _ => TileWeights.Bytes,
    };

    [SkipLocalsInit]
    private static void Run(in BandProduct product, int first, int count)
    {
        var tokens = stackalloc BandToken[count];
        for (var i = 0; i < count; i++)
            tokens[i] = product.Token(first + i);
        var weights = WeightsOf(product.Layout);
        var lineBytes = weights == TileWeights.Bytes ? (long)product.Layout.LinesPerRow * TileSource.LineBytes : 0;
        var scaleBytes = weights == TileWeights.Nf4 ? 0 : (long)product.Blocks * TileRows * sizeof(float);
        var room = stackalloc byte[(SumsLength * sizeof(float)) + BandLayout.LineBytes];
        var sums = (float*)((nuint)(room + BandLayout.LineBytes - 1) / BandLayout.LineBytes * BandLayout.LineBytes); // elsewhere every sum would lie in two lines
        var lines = weights == TileWeights.Nf4 ? null : KernelScratch.Reserve(lineBytes + (2 * scaleBytes));
        if (product.Blocks < ProductShape.Lanes)
            new Span<float>(sums, SumsLength).Clear();
        TileCall tile = new()
        {
            ScaleBytes = product.Layout.TileHeaderBytes,
            Steps = (float*)product.Source,
            Tables = TCode.Tables(weights),
            End = product.XBytes,
            Sums = sums,
            Zeros = Zeros,
            Factor = product.Factor,
        };

        // Few tokens meet some tiles in one call; of more, all meet a tile while it lies in the first cache.
        var most = weights == TileWeights.Nf4 && count <= Together ? Math.Max(1, MostWork / (product.Blocks * count)) : 1;
        for (var row = 0; row < product.RowCount; row += (int)tile.Tiles * TileRows)
        {
            tile.Tiles = Math.Clamp((product.RowCount - row) / TileRows, 1, most);
            product.AskAhead(row);
            Arrange(product, row, weights, lines, (float*)(lines + lineBytes), ref tile);
            Multiply(product, row, weights, tile, tokens, first, count);
        }
    }

    /// <summary>The weights and scales of 16 rows: as they are stored, or made once for all tokens.</summary>
    private static void Arrange(in BandProduct product, int row, TileWeights weights, byte* lines, float* scales, ref TileCall tile)
    {
        tile.StepAt = (long)row / TileRows * product.Blocks;
        tile.Lines = product.Lines(product.Source, row);
        tile.Scales = product.Tile(row);
        if (weights == TileWeights.Nf4)
            return;

        TileScales.DecodeTurned(product, row, TileRows, scales, scales + ((long)product.Blocks * TileRows));
        tile.Scales = scales;
        if (weights == TileWeights.Nibbles)
            return;

        product.TileAt(row, lines).InterleaveAll(product.Layout.LinesPerRow);
        tile.Lines = lines;
    }

    /// <summary>Multiplies some tiles with the tokens.</summary>
    [SkipLocalsInit]
    private static void Multiply(in BandProduct product, int row, TileWeights weights, in TileCall tile, BandToken* tokens, int first, int count)
    {
        var outputs = stackalloc float[Together * TileRows]; // of rows of which the band has fewer
        var rows = product.RowCount - row;
        for (var token = 0; token < count; token += Together)
        {
            var some = Math.Min(Together, count - token);
            var call = tile;
            call.Tokens = tokens + token;
            call.Outputs = rows >= TileRows ? product.Output(first + token, row) : outputs;
            call.Stride = sizeof(float) * (rows >= TileRows ? product.Stride : TileRows);
            TCode.Function(weights, some)(&call);
            for (var i = 0; rows < TileRows && i < some; i++)
                new ReadOnlySpan<float>(outputs + (i * TileRows), rows).CopyTo(new Span<float>(product.Output(first + token + i, row), rows));
        }
    }
}
