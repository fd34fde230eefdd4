using System.Collections.Concurrent;
using System.Numerics;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>What the weights of a band are like.</summary>
/// <param name="Stream">Keeps matrices apart that must not share rows.</param>
/// <param name="Deviation">Standard deviation of the weights.</param>
/// <param name="FirstColumn">A value that every row has in column 0; null for random ones.</param>
/// <param name="WithoutFirstRow">Whether row 0 is 0.</param>
internal readonly record struct SyntheticWeights(string Stream, float Deviation, float? FirstColumn = null, bool WithoutFirstRow = false);

/// <summary>Bands of random weights, each encoded once and copied from then on: to encode takes some fifty times as long as to copy.</summary>
/// <remarks>Thread-safe. A few dozen bands stand for all of one kind, each made when it is first asked for.</remarks>
internal sealed class SyntheticBands(long seed)
{
    /// <summary>Different bands of one kind, at most.</summary>
    /// <remarks>Enough that no expert of a published model has a band twice, and few enough to be encoded in a second.</remarks>
    public const int MostBands = 64;

    private const int FewestBands = 4;
    private const long PoolBytes = 16 << 20;

    private readonly ConcurrentDictionary<(WeightPrecision, int Rows, int Columns, SyntheticWeights), Lazy<byte[]>[]> _pools = [];

    /// <summary>A band: one of those of its kind, which follow one another in turn.</summary>
    /// <param name="precision">How it is kept.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="place">Its place in the turn; any number.</param>
    public ReadOnlySpan<byte> Band(WeightPrecision precision, int rows, int columns, SyntheticWeights weights, uint place)
    {
        var pool = _pools.GetOrAdd((precision, rows, columns, weights), Pool);
        return pool[place % (uint)pool.Length].Value;
    }

    private Lazy<byte[]>[] Pool((WeightPrecision Precision, int Rows, int Columns, SyntheticWeights Weights) kind)
    {
        var layout = new BandLayout(kind.Precision, kind.Rows, kind.Columns);
        var most = (uint)Math.Clamp(PoolBytes / layout.ByteLength, FewestBands, MostBands);
        var count = 1 << BitOperations.Log2(most); // so that every odd step passes through all of them
        return [.. Enumerable.Range(0, count).Select(index => new Lazy<byte[]>(() => Encode(layout, kind.Weights, index)))];
    }

    private byte[] Encode(BandLayout layout, SyntheticWeights kind, int index)
    {
        var weights = new float[layout.Rows * layout.Columns];
        new SyntheticRandom(seed, FormattableString.Invariant($"{kind.Stream} {layout.Rows} {layout.Columns} {index}")).FillNormal(weights, kind.Deviation);
        if (kind.FirstColumn is { } value)
        {
            for (var row = 0; row < layout.Rows; row++)
                weights[row * layout.Columns] = value;
        }

        if (kind.WithoutFirstRow)
            weights.AsSpan(0, layout.Columns).Clear();
        var encoded = new byte[layout.ByteLength];
        Bands.Encode(layout, 0, weights, [], encoded);
        return encoded;
    }
}

/// <summary>Composes a matrix of ready bands.</summary>
/// <param name="bands">The bands.</param>
/// <param name="layout">The matrix.</param>
/// <param name="weights">Its weights; the first row is the first band's.</param>
/// <param name="first">The first band's place in the turn.</param>
/// <param name="step">Places from a band to the next; odd.</param>
internal sealed class SyntheticEncoder(SyntheticBands bands, BandLayout layout, SyntheticWeights weights, uint first, uint step) : MatrixEncoder(layout)
{
    public override void Encode(int band, Span<byte> destination)
    {
        var kind = band == 0 ? weights : weights with { WithoutFirstRow = false };
        bands.Band(Layout.Precision, Layout.RowsOf(band), Layout.Columns, kind, first + ((uint)band * step)).CopyTo(destination);
    }
}
