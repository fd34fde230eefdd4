using System.Buffers.Binary;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>4 bits with the scales of bitsandbytes.</summary>
public sealed partial class BandsTests
{
    private const float Offset = 0.037f;

    // Phases other than 0 (5 · 64 blocks a band), a group that spans bands, half a last line, many groups.
    private static readonly (int Rows, int Columns)[] DynamicSizes = [(1, 64), (3, 128), (70, 192), (130, 320), (200, 64), (65, 1024)];

    [Theory, MemberData(nameof(Paths))]
    public void PackAndUnpackDynamic_AnyParts_GiveThemBackBitForBit(KernelPath path)
    {
        foreach (var (rows, columns) in DynamicSizes)
        {
            var (layout, parts) = Parts(rows, columns);
            for (var band = 0; band < layout.BandCount; band++)
            {
                var (codes, scaleCodes, factors) = Slice(layout, band, parts);
                var (expected, bytes) = (new byte[layout.BytesOf(band)], new byte[layout.BytesOf(band)]);
                Array.Fill(bytes, (byte)0x55);

                Bands.PackDynamic(KernelPath.Scalar, layout, band, codes, scaleCodes, factors, Offset, expected);
                Bands.PackDynamic(path, layout, band, codes, scaleCodes, factors, Offset, bytes);
                var (codesBack, scaleCodesBack, factorsBack) = (new byte[codes.Length], new byte[scaleCodes.Length], new float[factors.Length]);
                Bands.UnpackDynamic(path, layout, band, bytes, codesBack, scaleCodesBack, factorsBack, out var offset);

                Assert.Equal(expected, bytes);
                Assert.Equal(codes, codesBack);
                Assert.Equal(scaleCodes, scaleCodesBack);
                Assert.Equal(factors, factorsBack);
                Assert.Equal(Offset, offset);
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Decode_Nf4Dynamic_IsLevelTimesCodeTimesFactorPlusOffset(KernelPath path)
    {
        foreach (var (rows, columns) in DynamicSizes)
        {
            var (layout, parts) = Parts(rows, columns);
            for (var band = 0; band < layout.BandCount; band++)
            {
                var (codes, scaleCodes, factors) = Slice(layout, band, parts);
                var bytes = new byte[layout.BytesOf(band)];
                Bands.PackDynamic(layout, band, codes, scaleCodes, factors, Offset, bytes);
                var decoded = new float[layout.RowsOf(band) * columns];

                Bands.Decode(path, layout, band, bytes, 0, layout.RowsOf(band), decoded);

                for (var i = 0; i < decoded.Length; i++)
                {
                    var element = (band * 64 * columns) + i; // of the matrix: bitsandbytes counts its blocks and groups through it
                    var code = parts.Codes[element / 2] >> (element % 2 == 0 ? 4 : 0) & 0xF;
                    var scale = (DynamicCode8.Values[parts.ScaleCodes[element / 64]] * parts.Factors[element / 64 / 256]) + Offset;
                    Assert.Equal(Nf4.Levels[code] * scale, decoded[i]);
                }
            }
        }
    }

    [Fact]
    public void DecodeScales_Nf4Dynamic_AreThoseOfTheFormat()
    {
        var (layout, parts) = Parts(130, 320);
        for (var band = 0; band < layout.BandCount; band++)
        {
            var (codes, scaleCodes, factors) = Slice(layout, band, parts);
            var bytes = new byte[layout.BytesOf(band)];
            Bands.PackDynamic(layout, band, codes, scaleCodes, factors, Offset, bytes);
            var scales = new float[(layout.RowsOf(band) - 1) * layout.BlocksPerRow];

            Bands.DecodeScales(layout, band, bytes, 1, layout.RowsOf(band) - 1, scales);

            for (var i = 0; i < scales.Length; i++)
            {
                var block = (((band * 64) + 1) * layout.BlocksPerRow) + i;
                Assert.Equal((DynamicCode8.Values[parts.ScaleCodes[block]] * parts.Factors[block / 256]) + Offset, scales[i]);
            }
        }
    }

    [Fact]
    public void PackDynamic_BandsOfAnyPhase_HaveTheirScaleCodesInTheSamePlace()
    {
        var (layout, parts) = Parts(130, 320); // 320 blocks a band: the second one begins at block 64 of a group and touches two groups, as the first one does
        for (var band = 0; band < 2; band++)
        {
            var (codes, scaleCodes, factors) = Slice(layout, band, parts);
            var bytes = new byte[layout.BytesOf(band)];

            Bands.PackDynamic(layout, band, codes, scaleCodes, factors, Offset, bytes);

            // The offset, room for three factors (two are in use), the codes; then 0 up to a whole line.
            Assert.Equal(Offset, BinaryPrimitives.ReadSingleLittleEndian(bytes));
            Assert.Equal(0, BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12)));
            Assert.Equal(scaleCodes, bytes[16..336]);
            Assert.All(bytes[336..384], value => Assert.Equal(0, value));
        }
    }

    private static (BandLayout Layout, DynamicParts Parts) Parts(int rows, int columns)
    {
        var random = new Random(20260221);
        var (codes, scaleCodes) = (new byte[rows * columns / 2], new byte[rows * columns / 64]);
        random.NextBytes(codes);
        random.NextBytes(scaleCodes);
        var factors = Enumerable.Range(0, (scaleCodes.Length + 255) / 256).Select(_ => random.NextSingle()).ToArray();
        return (new BandLayout(WeightPrecision.Nf4Dynamic, rows, columns), new DynamicParts(codes, scaleCodes, factors));
    }

    private static (byte[] Codes, byte[] ScaleCodes, float[] Factors) Slice(BandLayout layout, int band, DynamicParts parts)
    {
        var firstGroup = band * 64 * layout.BlocksPerRow / 256;
        return (
            BandData.BandOf(layout, band, parts.Codes, layout.Columns / 2).ToArray(),
            BandData.BandOf(layout, band, parts.ScaleCodes, layout.BlocksPerRow).ToArray(),
            parts.Factors.AsSpan(firstGroup, layout.GroupsOf(band)).ToArray());
    }

    private sealed record DynamicParts(byte[] Codes, byte[] ScaleCodes, float[] Factors);
}
