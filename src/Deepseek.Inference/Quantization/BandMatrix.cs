using Deepseek.Inference.Kernels;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>A weight matrix as a page store lays it out, over memory that somebody else owns.</summary>
internal sealed unsafe class BandMatrix : WeightMatrix
{
    private readonly byte* _memory;
    private readonly BandPlacement _placement;
    private readonly Device _device;

    /// <summary>Lays a matrix over memory that outlives it.</summary>
    /// <param name="layout">Precision and sizes.</param>
    /// <param name="placement">Where its bands lie in the memory.</param>
    /// <param name="memory">The memory, aligned to <see cref="BandLayout.LineBytes"/>.</param>
    /// <param name="device">Where widened weights are wanted; they are widened on the host.</param>
    public BandMatrix(BandLayout layout, BandPlacement placement, byte* memory, Device device)
        : base(layout.Rows, layout.Columns)
    {
        (Layout, _placement, _device) = (layout, placement, device);
        _memory = memory;
    }

    /// <summary>Lays a matrix whose bands follow one another over memory that outlives it.</summary>
    /// <inheritdoc cref="BandMatrix(BandLayout, BandPlacement, byte*, Device)" path="/param" />
    public BandMatrix(BandLayout layout, byte* memory, Device device)
        : this(layout, BandPlacement.Contiguous(layout), memory, device)
    {
    }

    /// <summary>Precision and sizes.</summary>
    public BandLayout Layout { get; }

    public override long ByteSize => Layout.ByteLength;

    /// <summary>Where a band begins.</summary>
    public byte* Address(int band) => _memory + _placement.OffsetOf(band);

    /// <summary>The bytes of a band.</summary>
    public ReadOnlySpan<byte> Band(int band) => new(Address(band), Layout.BytesOf(band));

    public override Tensor Widen(long first, long count) => OnDevice(WidenOnHost(first, count));

    public override Tensor Gather(Tensor rows) => OnDevice(GatherOnHost(rows));

    /// <summary>Finds rows, for <see cref="ExactProducts"/>.</summary>
    /// <param name="first">First row.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="rows">Receives [count].</param>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such rows.</exception>
    public void FindRows(long first, int count, Int8Row* rows)
    {
        RequireRows(first, count);
        for (var at = 0; at < count;)
        {
            var (band, within, some) = Piece(first + at, count - at);
            Int8Row.Find(Layout, band, Address(band), within, some, rows + at);
            at += some;
        }
    }

    protected override void WidenRowsOnHost(long first, int count, float* destination)
    {
        for (var at = 0; at < count;)
        {
            var (band, within, rows) = Piece(first + at, count - at);
            Bands.Decode(Layout, band, Band(band), within, rows, new Span<float>(destination + (at * Columns), checked((int)(rows * Columns))));
            at += rows;
        }
    }

    /// <summary>The band of a row, the row's place there, and how many of the rows from there on the band has.</summary>
    private (int Band, int Within, int Rows) Piece(long row, int rows)
    {
        var (band, within) = ((int)(row / BandLayout.BandRows), (int)(row % BandLayout.BandRows));
        return (band, within, Math.Min(rows, Layout.RowsOf(band) - within));
    }

    private Tensor OnDevice(Tensor weights)
    {
        if (_device.type == TorchSharp.DeviceType.CPU)
            return weights;
        using (weights)
            return weights.to(_device);
    }

    public override void Dispose()
    {
        // The memory is the store's.
    }
}
