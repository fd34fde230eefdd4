using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>What holds in every precision.</summary>
public sealed partial class BandsTests
{
    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    // Nf4Dynamic is packed, not encoded.
    public static TheoryData<WeightPrecision> Encoded => [.. Enum.GetValues<WeightPrecision>().Except([WeightPrecision.Nf4Dynamic])];

    public static TheoryData<WeightPrecision, KernelPath> EncodedOnPaths =>
        new(from precision in Encoded from path in KernelPaths.Available select (precision.Data, path));

    [Theory, MemberData(nameof(EncodedOnPaths))]
    public void EncodeAndDecode_RaggedMatrix_EqualScalarBitForBit(WeightPrecision precision, KernelPath path)
    {
        var random = new Random(20260201);
        foreach (var layout in BandData.Layouts(precision))
        {
            var weights = BandData.Normal(random, layout.Rows * layout.Columns);
            foreach (var importance in new[] { [], BandData.Importance(random, layout.Columns) })
            {
                var expected = BandData.Encode(KernelPath.Scalar, layout, weights, importance);
                var actual = BandData.Encode(path, layout, weights, importance, before: 0x55);

                Assert.Equal(expected, actual); // from another content before: so every byte was written
                Assert.Equal(Bits(BandData.Decode(KernelPath.Scalar, layout, expected)), Bits(BandData.Decode(path, layout, expected)));
            }
        }
    }

    [Theory, MemberData(nameof(Encoded))]
    public void Decode_SomeRows_AreThoseOfTheWholeBand(WeightPrecision precision)
    {
        var layout = new BandLayout(precision, 70, 200);
        var weights = BandData.Normal(new Random(20260202), layout.Rows * layout.Columns);
        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);
        var whole = BandData.Decode(KernelPaths.Selected, layout, bytes);

        foreach (var (band, first, count) in new[] { (0, 0, 64), (0, 1, 1), (0, 63, 1), (0, 5, 7), (0, 64, 0), (1, 0, 6), (1, 5, 1) })
        {
            var some = new float[count * layout.Columns];
            Bands.Decode(layout, band, BandData.BytesOf(layout, band, bytes), first, count, some);

            Assert.Equal(Bits(whole.AsSpan(((band * 64) + first) * layout.Columns, some.Length)), Bits(some));
        }
    }

    [Theory, MemberData(nameof(Encoded))]
    public void Encode_RowsAndColumnsThatAreNotThere_AreZeros(WeightPrecision precision)
    {
        var layout = new BandLayout(precision, 5, 100);
        var padding = precision == WeightPrecision.Nf4 ? (byte)0x77 : (byte)0;
        var weights = BandData.Normal(new Random(20260203), layout.Rows * layout.Columns);

        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

        var header = layout.HeaderBytesOf(0);
        for (var row = 5; row < layout.TileRows; row++)
        {
            for (var line = 0; line < layout.LinesPerRow; line++)
                Assert.All(Line(row, line), value => Assert.Equal(padding, value));
        }

        var last = Line(0, layout.LinesPerRow - 1);
        if (precision == WeightPrecision.Nf4)
            Assert.All(last[36..], value => Assert.Equal(7, value >> 4)); // columns 100 to 127 are the high nibbles from byte 36 on
        else
            Assert.All(last[((100 % layout.ColumnsPerLine) * BandLayout.LineBytes / layout.ColumnsPerLine)..], value => Assert.Equal(padding, value));

        byte[] Line(int row, int line) =>
            [.. Enumerable.Range(0, BandLayout.LineBytes).Select(i => bytes[layout.LineOffset(header, row, line) + (i / 4 * layout.PieceStride) + (i % 4)])];
    }

    [Theory, MemberData(nameof(Encoded))]
    public void EncodeAndDecode_Zeros_StayZeros(WeightPrecision precision)
    {
        var layout = new BandLayout(precision, 6, 130);

        var bytes = BandData.Encode(KernelPaths.Selected, layout, new float[layout.Rows * layout.Columns], []);

        Assert.All(BandData.Decode(KernelPaths.Selected, layout, bytes), weight => Assert.Equal(0f, weight));
    }

    [Theory, MemberData(nameof(EncodedOnPaths))]
    public void EncodeAndDecode_TinyAndHugeWeights_StayNear(WeightPrecision precision, KernelPath path)
    {
        const float Within = 0.25f; // of the largest weight: above half of NF4's widest step, 0.152
        var layout = new BandLayout(precision, 4, 128);
        float[] magnitudes = precision switch
        {
            WeightPrecision.F16 => [2e-7f, 1e-3f, 65504f], // from a few of its own smallest numbers to its largest
            WeightPrecision.BF16 => [1e-39f, 1e-30f, 1e30f, 3e38f],
            _ => [float.Epsilon, 3e-45f, 2.5e-43f, 1e-39f, 1e-30f, 1e30f, 2e38f, float.MaxValue],
        };
        foreach (var magnitude in magnitudes)
        {
            var weights = BandData.Normal(new Random(20260204), layout.Rows * layout.Columns);
            var most = weights.Max(MathF.Abs);
            weights = Array.ConvertAll(weights, weight => weight / most * magnitude);

            var decoded = BandData.Decode(path, layout, BandData.Encode(path, layout, weights, []));

            // NF4 takes blocks without a representable inverse for zeros.
            var within = precision == WeightPrecision.Nf4 && magnitude < 1e-38f ? magnitude : Within * magnitude;
            Assert.All(decoded.Zip(weights), pair => Assert.True(MathF.Abs(pair.First - pair.Second) <= MathF.Max(within, float.Epsilon), $"{pair} at {magnitude}"));
        }
    }

    [Theory, MemberData(nameof(Encoded))]
    public void EncodeAndDecode_SelectedPath_IsThatOfTheInternalForm(WeightPrecision precision)
    {
        var layout = new BandLayout(precision, 5, 150);
        var weights = BandData.Normal(new Random(20260205), layout.Rows * layout.Columns);
        var (bytes, decoded) = (new byte[layout.ByteLength], new float[weights.Length]);

        Bands.Encode(layout, 0, weights, [], bytes);
        Bands.Decode(layout, 0, bytes, 0, layout.Rows, decoded);

        Assert.Equal(BandData.Encode(KernelPath.Scalar, layout, weights, []), bytes);
        Assert.Equal(Bits(BandData.Decode(KernelPath.Scalar, layout, bytes)), Bits(decoded));
    }

    private static int[] Bits(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, int>(values).ToArray();
}
