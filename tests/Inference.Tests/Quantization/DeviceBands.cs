using System.Runtime.InteropServices;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>Random matrices in a store's layout, and what the kernels make of them.</summary>
internal static class DeviceBands
{
    /// <summary>The bytes of a matrix.</summary>
    public static byte[] Random(BandLayout layout, int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[layout.ByteLength];
        for (var band = 0; band < layout.BandCount; band++)
        {
            var destination = bytes.AsSpan((int)layout.OffsetOf(band), layout.BytesOf(band));
            if (layout.Precision == WeightPrecision.Nf4Dynamic)
            {
                // Encoding needs the whole matrix: any codes do, with a finite offset and factors.
                random.NextBytes(destination);
                foreach (ref var number in MemoryMarshal.Cast<byte, float>(destination[..layout.FactorBytesOf(band)]))
                    number = (float)(random.NextDouble() - 0.3);
                continue;
            }

            var weights = new float[layout.RowsOf(band) * layout.Columns];
            foreach (ref var weight in weights.AsSpan())
                weight = (float)(random.NextDouble() - 0.5) * (random.Next(8) == 0 ? 0 : 0.1f);
            Bands.Encode(layout, band, weights, [], destination);
        }

        return bytes;
    }

    /// <summary>All weights, [rows × columns].</summary>
    public static float[] Decode(BandLayout layout, byte[] bytes)
    {
        var weights = new float[layout.Rows * layout.Columns];
        for (var band = 0; band < layout.BandCount; band++)
        {
            var rows = layout.RowsOf(band);
            Bands.Decode(layout, band, bytes.AsSpan((int)layout.OffsetOf(band), layout.BytesOf(band)), 0, rows, weights.AsSpan(band * BandLayout.BandRows * layout.Columns, rows * layout.Columns));
        }

        return weights;
    }

    public static void AssertSameBits(ReadOnlySpan<float> expected, Tensor actual) =>
        Assert.Equal(MemoryMarshal.Cast<float, int>(expected).ToArray(), MemoryMarshal.Cast<float, int>(actual.ToArray<float>()).ToArray());
}
