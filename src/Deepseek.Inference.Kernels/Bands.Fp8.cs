using System.Buffers.Binary;
using System.Numerics;

namespace Deepseek.Inference.Kernels;

// 8 bits as floats; two lines share the scale of 128 columns.
public static partial class Bands
{
    /// <summary>Writes a band of a matrix that is FP8 already, bit for bit.</summary>
    /// <param name="layout">Where the matrix' weights lie, in <see cref="WeightPrecision.Fp8"/>.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="codes">Its codes, [rows of the band × columns].</param>
    /// <param name="scales">The scales of the 128 rows in which the band lies, [⌈columns / 128⌉].</param>
    /// <param name="destination">Receives the band; every byte is written.</param>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such band.</exception>
    /// <exception cref="ArgumentException">A length does not fit, or the precision is another.</exception>
    public static void PackFp8(BandLayout layout, int band, ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, Span<byte> destination)
    {
        RequirePrecision(layout, WeightPrecision.Fp8);
        RequireBand(layout, band);
        Lengths.Require(nameof(codes), codes.Length, (long)layout.RowsOf(band) * layout.Columns);
        Lengths.Require(nameof(scales), scales.Length, Lengths.CeilDiv(layout.Columns, BandLayout.Fp8Block));
        Lengths.Require(nameof(destination), destination.Length, layout.BytesOf(band));

        destination.Clear();
        var header = layout.HeaderBytesOf(band);
        for (var block = 0; block < scales.Length; block++)
            BinaryPrimitives.WriteSingleLittleEndian(destination[(block * sizeof(float))..], scales[block]);
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            var values = codes.Slice(row * layout.Columns, layout.Columns);
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                var first = line * BandLayout.LineBytes;
                values.Slice(first, Math.Min(BandLayout.LineBytes, values.Length - first)).CopyTo(destination[layout.LineOffset(header, row, line)..]);
            }
        }
    }

    private static void EncodeFp8(KernelPath path, BandLayout layout, int band, ReadOnlySpan<float> weights, Span<byte> destination)
    {
        destination.Clear();
        var header = layout.HeaderBytesOf(band);
        Span<float> quotients = stackalloc float[BandLayout.LineBytes];
        for (var first = 0; first < layout.Columns; first += BandLayout.Fp8Block)
        {
            var largest = 0f;
            for (var row = 0; row < layout.RowsOf(band); row++)
                largest = MathF.Max(largest, Nf4.LargestMagnitude(Part(weights.Slice(row * layout.Columns, layout.Columns), first, BandLayout.Fp8Block)));
            var scale = largest == 0 ? 1 : ScaleOf(largest, Fp8E4M3.MaxValue);
            BinaryPrimitives.WriteSingleLittleEndian(destination[(first / BandLayout.Fp8Block * sizeof(float))..], scale);

            var end = Math.Min(first + BandLayout.Fp8Block, layout.Columns);
            for (var row = 0; row < layout.RowsOf(band); row++)
            {
                for (var column = first; column < end; column += BandLayout.LineBytes)
                {
                    var part = Part(weights.Slice(row * layout.Columns, layout.Columns), column, BandLayout.LineBytes);
                    Divide(part, scale, quotients);
                    var line = destination[layout.LineOffset(header, row, column / BandLayout.LineBytes)..];
                    Fp8E4M3.Encode(path, quotients[..part.Length], line[..part.Length]);
                }
            }
        }
    }

    private static void DecodeFp8(KernelPath path, BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, Span<float> destination)
    {
        var header = layout.HeaderBytesOf(band);
        for (var row = firstRow; !destination.IsEmpty; row++)
        {
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                var first = line * BandLayout.LineBytes;
                var part = destination.Slice(first, Math.Min(BandLayout.LineBytes, layout.Columns - first));
                var scale = BinaryPrimitives.ReadSingleLittleEndian(source[(first / BandLayout.Fp8Block * sizeof(float))..]);
                Fp8E4M3.Decode(path, source.Slice(layout.LineOffset(header, row, line), part.Length), scale, part);
            }

            destination = destination[layout.Columns..];
        }
    }

    private static void Divide(ReadOnlySpan<float> values, float divisor, Span<float> quotients)
    {
        var i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(values[i..]) / new Vector<float>(divisor)).CopyTo(quotients[i..]);
        for (; i < values.Length; i++)
            quotients[i] = values[i] / divisor;
    }
}
