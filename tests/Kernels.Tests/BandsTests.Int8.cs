using System.Buffers.Binary;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>8 bits as whole numbers, and as floats.</summary>
public sealed partial class BandsTests
{
    // Weight / scale and code · scale are rounded once each.
    private const float Rounded = 1e-5f;

    [Theory]
    [InlineData(WeightPrecision.Int8)]
    [InlineData(WeightPrecision.Int8Block)]
    public void EncodeAndDecode_Int8_EveryWeightIsWithinHalfAStep(WeightPrecision precision)
    {
        var random = new Random(20260231);
        foreach (var layout in BandData.Layouts(precision))
        {
            var weights = BandData.StudentT5(random, layout.Rows * layout.Columns);

            var decoded = BandData.Decode(KernelPaths.Selected, layout, BandData.Encode(KernelPaths.Selected, layout, weights, []));

            for (var i = 0; i < weights.Length; i++)
            {
                var (row, column) = Math.DivRem(i, layout.Columns);
                var first = precision == WeightPrecision.Int8 ? 0 : column / 64 * 64;
                var sharing = weights.AsSpan((row * layout.Columns) + first, precision == WeightPrecision.Int8 ? layout.Columns : Math.Min(64, layout.Columns - first));
                var step = Nf4.LargestMagnitude(sharing) / 127;
                Assert.InRange(MathF.Abs(weights[i] - decoded[i]), 0, (0.5f + Rounded) * step);
            }
        }
    }

    [Fact]
    public void Encode_Int8ByHand_WritesScalesAndCodes()
    {
        // Row 0: scale 1, ties to even. Row 1: zeros. Row 2: scale 2.
        var layout = new BandLayout(WeightPrecision.Int8, 3, 4);
        float[] weights = [127, 0.5f, 1.5f, -2.5f, 0, 0, 0, 0, -254, 3, 1, 2];

        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

        Assert.Equal([1f, 0f, 2f], Enumerable.Range(0, 3).Select(row => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * row))));
        Assert.Equal([127, 0, 2, -2], bytes.AsSpan(64, 4).ToArray().Select(code => (sbyte)code));
        Assert.Equal([0, 0, 0, 0], bytes.AsSpan(128, 4).ToArray().Select(code => (sbyte)code));
        Assert.Equal([-127, 2, 0, 1], bytes.AsSpan(192, 4).ToArray().Select(code => (sbyte)code));
    }

    [Fact]
    public void Encode_Int8BlockByHand_WritesAScaleABlock()
    {
        var layout = new BandLayout(WeightPrecision.Int8Block, 2, 65);
        var weights = new float[130];
        (weights[0], weights[64], weights[65], weights[129]) = (127, 254, -508, 12.7f);

        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

        Assert.Equal([1f, 2f, 4f, 0.1f], Enumerable.Range(0, 4).Select(block => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * block))));
        Assert.Equal([127, 127, -127, 127], new[] { (0, 0), (0, 1), (1, 0), (1, 1) }.Select(at => (int)(sbyte)bytes[layout.LineOffset(64, at.Item1, at.Item2)]));
    }

    [Theory, MemberData(nameof(Paths))]
    public void PackFp8_AnyCodes_DecodesToCodeTimesScaleOfTheBlock(KernelPath path)
    {
        var random = new Random(20260232);
        foreach (var layout in BandData.Layouts(WeightPrecision.Fp8))
        {
            var codes = Enumerable.Range(0, layout.Rows * layout.Columns).Select(_ => (byte)(random.Next(127) | random.Next(2) << 7)).ToArray(); // no NaN
            var across = (layout.Columns + 127) / 128;
            var scales = Enumerable.Range(0, (layout.Rows + 127) / 128 * across).Select(_ => random.NextSingle()).ToArray();
            var bytes = new byte[layout.ByteLength];
            for (var band = 0; band < layout.BandCount; band++)
                Bands.PackFp8(layout, band, BandData.BandOf(layout, band, codes, layout.Columns), scales.AsSpan(band / 2 * across, across), BandData.BytesOf(layout, band, bytes));

            var decoded = BandData.Decode(path, layout, bytes);

            var expected = new float[codes.Length];
            Fp8E4M3.DecodeBlocks(codes, layout.Rows, layout.Columns, scales, 128, 128, expected);
            Assert.Equal(Bits(expected), Bits(decoded));
        }
    }

    [Fact]
    public void PackFp8_OverOtherContent_WritesEveryByte()
    {
        var layout = new BandLayout(WeightPrecision.Fp8, 5, 200);
        var codes = new byte[1000];
        new Random(20260233).NextBytes(codes);
        var (clean, dirty) = (new byte[layout.ByteLength], new byte[layout.ByteLength]);
        Array.Fill(dirty, (byte)0xAA);

        Bands.PackFp8(layout, 0, codes, [0.5f, 2f], clean);
        Bands.PackFp8(layout, 0, codes, [0.5f, 2f], dirty);

        Assert.Equal(clean, dirty);
    }

    [Fact]
    public void EncodeAndDecode_Fp8_EveryWeightIsWithinHalfAUnitOfItsLastPlace()
    {
        var random = new Random(20260234);
        foreach (var layout in BandData.Layouts(WeightPrecision.Fp8))
        {
            var weights = BandData.StudentT5(random, layout.Rows * layout.Columns);

            var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

            var decoded = BandData.Decode(KernelPaths.Selected, layout, bytes);
            for (var i = 0; i < weights.Length; i++)
            {
                var (row, column) = Math.DivRem(i, layout.Columns);
                var scale = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan((int)layout.OffsetOf(row / 64) + (column / 128 * 4)));
                var code = MathF.Abs(weights[i]) / scale;
                Assert.InRange(code, 0, 448 * (1 + Rounded));
                var unit = MathF.Max(MathF.Pow(2, MathF.Floor(MathF.Log2(code)) - 3), MathF.Pow(2, -9)); // three bits of fraction; subnormals from 2⁻⁶ down
                Assert.InRange(MathF.Abs(weights[i] - decoded[i]) / scale, 0, (0.5f + Rounded) * unit);
            }
        }
    }

    [Fact]
    public void Encode_Fp8BlockOfZeros_HasScale1()
    {
        var layout = new BandLayout(WeightPrecision.Fp8, 2, 129);
        var weights = new float[258];
        weights[128] = -448 * 3;

        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

        Assert.Equal(1f, BinaryPrimitives.ReadSingleLittleEndian(bytes));
        Assert.Equal(3f, BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4)));
        Assert.Equal(0xFE, bytes[layout.LineOffset(64, 0, 2)]); // −448
    }
}
