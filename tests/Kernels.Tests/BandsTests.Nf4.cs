using System.Buffers.Binary;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>4 bits with signed scales.</summary>
public sealed partial class BandsTests
{
    [Theory, MemberData(nameof(Paths))]
    public void Decode_Nf4_IsTheLevelTimesTheScaleOfTheBlock(KernelPath path)
    {
        var random = new Random(20260211);
        foreach (var layout in BandData.Layouts(WeightPrecision.Nf4))
        {
            var bytes = BandData.Encode(path, layout, BandData.Normal(random, layout.Rows * layout.Columns), []);

            var decoded = BandData.Decode(path, layout, bytes);

            for (var row = 0; row < layout.Rows; row++)
            {
                for (var column = 0; column < layout.Columns; column++)
                    Assert.Equal(Nf4.Levels[CodeAt(layout, bytes, row, column)] * ScaleAt(layout, bytes, row, column), decoded[(row * layout.Columns) + column]);
            }
        }
    }

    [Fact]
    public void DecodeScales_Nf4_AreThoseOfTheFormat()
    {
        var layout = new BandLayout(WeightPrecision.Nf4, 70, 700); // 704 blocks in the first band: three groups, borders within tiles
        var bytes = BandData.Encode(KernelPaths.Selected, layout, BandData.Normal(new Random(20260212), layout.Rows * layout.Columns), []);

        foreach (var (band, first, count) in new[] { (0, 0, 64), (0, 23, 1), (0, 40, 20), (1, 2, 4) })
        {
            var scales = new float[count * layout.BlocksPerRow];
            Bands.DecodeScales(layout, band, BandData.BytesOf(layout, band, bytes), first, count, scales);

            for (var i = 0; i < scales.Length; i++)
            {
                var row = (band * 64) + first + (i / layout.BlocksPerRow);
                Assert.Equal(ScaleAt(layout, bytes, row, i % layout.BlocksPerRow * 64), scales[i]);
            }
        }
    }

    [Fact]
    public void Encode_Nf4_TakesTheNearestLevelUnderTheDecodedScale()
    {
        // A weight is divided by multiplying with a rounded inverse, so of two levels equally near either may be taken.
        const float Rounding = 1e-6f;
        var layout = new BandLayout(WeightPrecision.Nf4, 65, 352);
        var weights = BandData.StudentT5(new Random(20260213), layout.Rows * layout.Columns);

        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

        var decoded = BandData.Decode(KernelPaths.Selected, layout, bytes);
        for (var i = 0; i < weights.Length; i++)
        {
            var scale = ScaleAt(layout, bytes, i / layout.Columns, i % layout.Columns);
            var least = Nf4.Levels.ToArray().Min(level => MathF.Abs(weights[i] - (level * scale)));
            Assert.InRange(MathF.Abs(weights[i] - decoded[i]), 0, least + (Rounding * MathF.Abs(scale)));
        }
    }

    [Fact]
    public void Encode_Nf4_StepIsSetByTheGroupsLargestScale()
    {
        var layout = new BandLayout(WeightPrecision.Nf4, 64, 512); // 512 blocks: two groups of 32 rows
        var weights = BandData.Normal(new Random(20260214), layout.Rows * layout.Columns);
        for (var i = weights.Length / 2; i < weights.Length; i++)
            weights[i] *= 1000;

        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

        Assert.InRange(ScaleCodes(layout, bytes, 0, 32).Max(Math.Abs), 126, 127);
        Assert.InRange(ScaleCodes(layout, bytes, 32, 32).Max(Math.Abs), 126, 127);
        Assert.InRange(BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4)) / BinaryPrimitives.ReadSingleLittleEndian(bytes), 500f, 2000f);
    }

    [Fact]
    public void Encode_Nf4GroupOfZeros_HasStepAndCodes0()
    {
        var layout = new BandLayout(WeightPrecision.Nf4, 64, 512);
        var weights = BandData.Normal(new Random(20260215), layout.Rows * layout.Columns);
        weights.AsSpan(0, weights.Length / 2).Clear();

        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

        Assert.Equal(0f, BinaryPrimitives.ReadSingleLittleEndian(bytes));
        Assert.All(ScaleCodes(layout, bytes, 0, 32), code => Assert.Equal(0, code));
        Assert.All(ScaleCodes(layout, bytes, 32, 32), code => Assert.NotEqual(0, code));
    }

    [Fact]
    public void Encode_Nf4LevelsOfEitherSign_AreKeptExactly()
    {
        // All levels, four times, and the same turned round: their largest magnitude is 1, and a step of 1/127 meets it.
        var layout = new BandLayout(WeightPrecision.Nf4, 1, 128);
        var weights = Enumerable.Range(0, 128).Select(i => i < 64 ? Nf4.Levels[i % 16] : -Nf4.Levels[i % 16]).ToArray();

        var decoded = BandData.Decode(KernelPaths.Selected, layout, BandData.Encode(KernelPaths.Selected, layout, weights, []));

        var largest = decoded.Max(MathF.Abs);
        Assert.All(decoded.Zip(weights), pair => Assert.Equal(pair.Second * largest, pair.First, 1e-6f));
    }

    private static int CodeAt(BandLayout layout, byte[] bytes, int row, int column)
    {
        var (band, within) = (row / 64, row % 64);
        var line = TileOf(layout, bytes, band, within)[(ScaleBytes(layout) + (column / 128 * 1024))..]; // of 16 rows, by pieces of 4 bytes
        var pair = line[(column % 64 / 4 * 64) + (within % 16 * 4) + (column % 4)];
        return column % 128 < 64 ? pair & 0xF : pair >> 4;
    }

    private static float ScaleAt(BandLayout layout, byte[] bytes, int row, int column)
    {
        var (band, within) = (row / 64, row % 64);
        var block = (((within / 16 * ((layout.Columns + 63) / 64)) + (column / 64)) * 16) + (within % 16);
        var step = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan((int)layout.OffsetOf(band) + (block / 256 * 4)));
        return (sbyte)TileOf(layout, bytes, band, within)[(column / 64 * 16) + (within % 16)] * step;
    }

    /// <summary>The tile that a row is in.</summary>
    private static Span<byte> TileOf(BandLayout layout, byte[] bytes, int band, int within)
    {
        var tile = ScaleBytes(layout) + ((layout.Columns + 127) / 128 * 1024);
        return bytes.AsSpan((int)layout.OffsetOf(band) + layout.HeaderBytesOf(band) + (within / 16 * tile), tile);
    }

    /// <summary>Bytes of a tile's scales, one for each of 16 rows and of its blocks of 64 columns, in whole lines.</summary>
    private static int ScaleBytes(BandLayout layout) => (((layout.Columns + 63) / 64 * 16) + 63) / 64 * 64;

    /// <summary>The scale codes of some of a first band's rows.</summary>
    private static int[] ScaleCodes(BandLayout layout, byte[] bytes, int first, int rows) =>
        [.. from row in Enumerable.Range(first, rows) from block in Enumerable.Range(0, layout.BlocksPerRow) select (int)(sbyte)TileOf(layout, bytes, 0, row)[(block * 16) + (row % 16)]];

    /// <summary>Rows so long that their scales are decoded in parts.</summary>
    [Theory]
    [InlineData(16_384)]
    [InlineData(16_385)]
    [InlineData(40_000)]
    public void Decode_LongRows_AreLevelsTimesTheirScalesAndAllocateNothing(int columns)
    {
        const int rows = 3;
        var layout = new BandLayout(WeightPrecision.Nf4, rows, columns);
        var bytes = BandData.Encode(KernelPaths.Selected, layout, BandData.Normal(new Random(columns), rows * columns), []);
        var (scales, weights) = (new float[rows * layout.BlocksPerRow], new float[rows * columns]);
        Bands.DecodeScales(layout, 0, bytes, 0, rows, scales);

        Assert.Equal(0, Allocations.LeastOf(() => Bands.Decode(layout, 0, bytes, 0, rows, weights)));
        var levels = Nf4.Levels.ToArray();
        for (var i = 0; i < weights.Length; i++)
        {
            var scale = scales[(i / columns * layout.BlocksPerRow) + (i % columns / BandLayout.BlockColumns)];
            Assert.Contains(weights[i], levels.Select(level => level * scale));
        }
    }
}
