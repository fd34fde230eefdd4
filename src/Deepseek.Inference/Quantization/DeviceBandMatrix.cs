using Deepseek.Inference.Kernels;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>A weight matrix of a page store whose bytes lie in a device's memory, which somebody else owns; decoded there, next to its use.</summary>
/// <remarks>Unverified: has not run on a GPU. With the CPU as device its bits are those of <see cref="BandMatrix"/>.</remarks>
/// <param name="decoder">Reads matrices of this layout.</param>
/// <param name="placement">Where its bands lie.</param>
/// <param name="memory">The memory, u8 [n].</param>
/// <param name="offset">Where <paramref name="placement"/> begins in it.</param>
internal sealed class DeviceBandMatrix(BandDecoder decoder, BandPlacement placement, Tensor memory, long offset) : WeightMatrix(decoder.Layout.Rows, decoder.Layout.Columns)
{
    public override long ByteSize => decoder.Layout.ByteLength;

    public override Tensor Widen(long first, long count)
    {
        if (count == 0)
            return empty(0, Columns, ScalarType.Float32, memory.device);

        var (band, end) = ((int)(first / BandLayout.BandRows), (int)((first + count - 1) / BandLayout.BandRows) + 1);
        using var scope = NewDisposeScope();
        var rows = decoder.Decode(memory, offset, placement, band, end - band);
        return rows.narrow(0, first - ((long)band * BandLayout.BandRows), count).MoveToOuterDisposeScope();
    }

    public override Tensor Gather(Tensor rows)
    {
        using var scope = NewDisposeScope();
        var chosen = rows.ToArray<long>();
        var result = empty(chosen.Length, Columns, ScalarType.Float32, memory.device);
        foreach (var band in chosen.Select((row, place) => (row, place)).GroupBy(one => (int)(one.row / BandLayout.BandRows)))
        {
            using var inner = NewDisposeScope();
            var weights = decoder.Decode(memory, offset, placement, band.Key, 1);
            var within = tensor([.. band.Select(one => one.row % BandLayout.BandRows)], ScalarType.Int64, memory.device);
            var places = tensor([.. band.Select(one => (long)one.place)], ScalarType.Int64, memory.device);
            result.index_copy_(0, places, weights.index_select(0, within));
        }

        return result.MoveToOuterDisposeScope();
    }

    public override void Dispose()
    {
        // The memory is the device tier's.
    }

    protected override unsafe void WidenRowsOnHost(long first, int count, float* destination) => throw NotOnHost();
}
