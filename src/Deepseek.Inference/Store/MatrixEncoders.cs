using System.Buffers;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>Encodes weights of any form by way of single precision.</summary>
internal sealed class FloatEncoder(MatrixRows rows, StorePrecision precision, float[]? importance) : MatrixEncoder(new BandLayout(precision.Layout(), rows.Rows, rows.Columns))
{
    public override void Encode(int band, Span<byte> destination)
    {
        var count = Layout.RowsOf(band);
        var rented = ArrayPool<float>.Shared.Rent(count * Layout.Columns);
        try
        {
            var weights = rented.AsSpan(0, count * Layout.Columns);
            rows.Read(band * BandLayout.BandRows, count, weights);
            Bands.Encode(Layout, band, weights, importance, destination);
        }
        catch (ArgumentException fault) when (fault.ParamName == "weights")
        {
            throw new CheckpointFormatException(rows.Entry.File, rows.Name, fault.Message.Split(" (Parameter", 2)[0] + " Download the checkpoint again.", fault);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
        }
    }
}

/// <summary>Takes FP8 codes and their scales over as they are.</summary>
internal sealed class Fp8Encoder(MatrixRows rows) : MatrixEncoder(new BandLayout(WeightPrecision.Fp8, rows.Rows, rows.Columns))
{
    public override void Encode(int band, Span<byte> destination)
    {
        var count = Layout.RowsOf(band);
        var codes = ArrayPool<byte>.Shared.Rent(count * Layout.Columns);
        var scales = new float[(Layout.Columns + BandLayout.Fp8Block - 1) / BandLayout.Fp8Block];
        try
        {
            var weights = codes.AsSpan(0, count * Layout.Columns);
            rows.ReadFp8(band * BandLayout.BandRows, count, weights, scales); // a band lies within one row of blocks
            Bands.PackFp8(Layout, band, weights, scales, destination);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(codes);
        }
    }
}

/// <summary>Encodes as bitsandbytes does; its scales need a pass over the whole matrix first.</summary>
internal sealed class DynamicEncoder(MatrixRows rows, Nf4Mode mode, float[]? importance) : MatrixEncoder(new BandLayout(WeightPrecision.Nf4Dynamic, rows.Rows, rows.Columns))
{
    private readonly Nf4MatrixQuantizer _quantizer = Nf4MatrixQuantizer.Prepare(rows, new Nf4Options { Mode = mode, ColumnImportance = importance }, CancellationToken.None);

    public override void Encode(int band, Span<byte> destination)
    {
        var (first, count) = (band * BandLayout.BandRows, Layout.RowsOf(band));
        var codes = new byte[count * Layout.Columns / 2];
        var scaleCodes = new byte[count * Layout.BlocksPerRow];
        _quantizer.Encode(first, count, codes, scaleCodes);
        var firstGroup = (int)((long)first * Layout.BlocksPerRow / BandLayout.GroupBlocks);
        Bands.PackDynamic(Layout, band, codes, scaleCodes, _quantizer.GroupScales.AsSpan(firstGroup, Layout.GroupsOf(band)), _quantizer.Offset, destination);
    }
}
