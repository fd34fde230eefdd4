using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>One expert's place on disk and in a slot of memory: bands of gate and up in turn, then those of down, padded to a boundary.</summary>
/// <remarks>Computing may start when gate and up have arrived; one direct read of one range brings all.</remarks>
internal sealed class ExpertRecordLayout
{
    /// <summary>Records begin and end at multiples of this: what direct reads ask for, and a page of memory.</summary>
    public const int Alignment = 4096;

    public ExpertRecordLayout(WeightPrecision precision, int inner, int hidden)
    {
        Inward = new BandLayout(precision, inner, hidden);
        Outward = new BandLayout(precision, hidden, inner);
        (Gate, Up) = BandPlacement.Interleaved(Inward);
        var inwardBytes = 2 * Inward.ByteLength;
        Down = BandPlacement.Contiguous(Outward, inwardBytes);
        DataLength = checked((int)(inwardBytes + Outward.ByteLength));
        Length = checked((DataLength + Alignment - 1) / Alignment * Alignment);
    }

    /// <summary>Whether a record is no longer than a page may be.</summary>
    public static bool Fits(WeightPrecision precision, int inner, int hidden) =>
        (2 * new BandLayout(precision, inner, hidden).ByteLength) + new BandLayout(precision, hidden, inner).ByteLength <= StorePlan.MaxPageBytes - Alignment;

    /// <summary>The layout of gate and of up, [I, D].</summary>
    public BandLayout Inward { get; }

    /// <summary>The layout of down, [D, I].</summary>
    public BandLayout Outward { get; }

    public BandPlacement Gate { get; }

    public BandPlacement Up { get; }

    public BandPlacement Down { get; }

    /// <summary>Bytes without the padding at the end.</summary>
    public int DataLength { get; }

    /// <summary>Bytes of a record.</summary>
    public int Length { get; }
}
