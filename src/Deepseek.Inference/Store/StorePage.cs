using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>What fills one page of a shard.</summary>
internal abstract class StorePage(int length)
{
    /// <summary>Bytes of the page.</summary>
    public int Length { get; } = length;

    /// <summary>Writes the page: every byte of the destination, which is as long as the page.</summary>
    public abstract void Fill(Span<byte> destination);
}

/// <summary>A shard's header.</summary>
internal sealed class HeaderPage(byte[] header) : StorePage(header.Length)
{
    public override void Fill(Span<byte> destination) => header.CopyTo(destination);
}

/// <summary>A plain tensor and the padding after it.</summary>
internal sealed class PlainPage(IStoreContent content, CatalogTensor tensor, int tensorLength, int length) : StorePage(length)
{
    public override void Fill(Span<byte> destination)
    {
        content.ReadPlain(tensor, destination[..tensorLength]);
        destination[tensorLength..].Clear();
    }
}

/// <summary>Consecutive bands of a matrix.</summary>
/// <param name="encoder">Made when the page is first filled: preparing a matrix may take a pass over it.</param>
/// <param name="layout">The matrix.</param>
/// <param name="firstBand">The first band.</param>
/// <param name="bands">How many.</param>
internal sealed class BandsPage(Lazy<MatrixEncoder> encoder, BandLayout layout, int firstBand, int bands)
    : StorePage(checked((int)(layout.OffsetOf(firstBand + bands - 1) + layout.BytesOf(firstBand + bands - 1) - layout.OffsetOf(firstBand))))
{
    public override void Fill(Span<byte> destination)
    {
        for (var band = firstBand; band < firstBand + bands; band++)
            encoder.Value.Encode(band, destination.Slice((int)(layout.OffsetOf(band) - layout.OffsetOf(firstBand)), layout.BytesOf(band)));
    }
}

/// <summary>The record of one expert.</summary>
internal sealed class RecordPage(IStoreContent content, ExpertRecordLayout record, StorePrecision precision, CatalogTensor gate, CatalogTensor up, CatalogTensor down)
    : StorePage(record.Length)
{
    public override void Fill(Span<byte> destination)
    {
        destination[record.DataLength..].Clear();
        Write(gate, record.Gate, destination);
        Write(up, record.Up, destination);
        Write(down, record.Down, destination);
    }

    private void Write(CatalogTensor tensor, BandPlacement placement, Span<byte> destination)
    {
        var encoder = content.Encoder(tensor, precision);
        for (var band = 0; band < encoder.Layout.BandCount; band++)
            encoder.Encode(band, destination.Slice((int)placement.OffsetOf(band), encoder.Layout.BytesOf(band)));
    }
}
