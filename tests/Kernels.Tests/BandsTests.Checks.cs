namespace Deepseek.Inference.Kernels.Tests;

/// <summary>Every message.</summary>
public sealed partial class BandsTests
{
    private static readonly BandLayout Small = new(WeightPrecision.Nf4, 70, 128);

    public static TheoryData<WeightPrecision> Quantizing => [WeightPrecision.Nf4, WeightPrecision.Int8, WeightPrecision.Int8Block, WeightPrecision.Fp8];

    [Theory]
    [InlineData(-1)]
    [InlineData(2)]
    public void EncodeAndDecode_NoSuchBand_NameTheBands(int band)
    {
        var encoding = Assert.Throws<ArgumentOutOfRangeException>(nameof(band), () => Bands.Encode(Small, band, new float[64 * 128], [], new byte[1]));
        var decoding = Assert.Throws<ArgumentOutOfRangeException>(nameof(band), () => Bands.Decode(Small, band, new byte[1], 0, 1, new float[128]));

        Assert.StartsWith("The matrix has 70 rows, so 2 bands, counted from 0.", encoding.Message, StringComparison.Ordinal);
        Assert.StartsWith("The matrix has 70 rows, so 2 bands, counted from 0.", decoding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_LayoutThatWasNeverMade_NamesTheBands()
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>("band", () => Bands.Encode(default, 0, [], [], []));

        Assert.StartsWith("The matrix has 0 rows, so 0 bands, counted from 0.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_WrongLengths_NameTheArgument()
    {
        var bytes = new byte[Small.BytesOf(1)];
        Refused("weights has 767 elements; it must have 768", () => Bands.Encode(Small, 1, new float[767], [], bytes));
        Refused("destination has 1 elements; it must have 1152", () => Bands.Encode(Small, 1, new float[768], [], new byte[1]));
        Refused("columnImportance has 127 elements; it must have 128, one for every column, or none.", () => Bands.Encode(Small, 1, new float[768], new float[127], bytes));
    }

    [Fact]
    public void Decode_WrongLengths_NameTheArgument()
    {
        var bytes = new byte[Small.BytesOf(1)];
        Refused("source has 1 elements; it must have 1152", () => Bands.Decode(Small, 1, new byte[1], 0, 6, new float[768]));
        Refused("destination has 767 elements; it must have 768", () => Bands.Decode(Small, 1, bytes, 0, 6, new float[767]));
        Refused("scales has 11 elements; it must have 12", () => Bands.DecodeScales(Small, 1, bytes, 0, 6, new float[11]));
        Refused("source has 1 elements; it must have 1152", () => Bands.DecodeScales(Small, 1, new byte[1], 0, 6, new float[12]));
    }

    [Theory]
    [InlineData(-1, 1, "Band 1 has 6 rows, counted from 0.")]
    [InlineData(7, 0, "Band 1 has 6 rows, counted from 0.")]
    [InlineData(2, 5, "Band 1 has 6 rows, of which 4 are left from row 2 on.")]
    [InlineData(0, -1, "Band 1 has 6 rows, of which 6 are left from row 0 on.")]
    [InlineData(1, int.MaxValue, "Band 1 has 6 rows, of which 5 are left from row 1 on.")]
    public void DecodeAndDecodeScales_NoSuchRows_NameTheRows(int firstRow, int rowCount, string message)
    {
        var bytes = new byte[Small.BytesOf(1)];

        var weights = Assert.Throws<ArgumentOutOfRangeException>(() => Bands.Decode(Small, 1, bytes, firstRow, rowCount, new float[128]));
        var scales = Assert.Throws<ArgumentOutOfRangeException>(() => Bands.DecodeScales(Small, 1, bytes, firstRow, rowCount, new float[2]));

        Assert.StartsWith(message, weights.Message, StringComparison.Ordinal);
        Assert.StartsWith(message, scales.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(-1f, "-1")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    public void Encode_ImpossibleImportance_NamesColumnAndValue(float value, string shown)
    {
        var importance = new float[128];
        importance[5] = value;

        Refused($"columnImportance[5] is {shown}; it must be finite, 0 or more.", () => Bands.Encode(Small, 1, new float[768], importance, new byte[1152]));
    }

    [Theory, MemberData(nameof(Quantizing))]
    public void Encode_WeightThatIsNotFinite_NamesRowColumnAndValue(WeightPrecision precision)
    {
        var layout = new BandLayout(precision, 70, 100);
        foreach (var (value, shown) in new[] { (float.NaN, "NaN"), (float.PositiveInfinity, "Infinity"), (float.NegativeInfinity, "-Infinity") })
        {
            var weights = new float[600];
            weights[(3 * 100) + 98] = value;
            weights[(4 * 100) + 1] = float.NaN; // the first one is named

            Refused($"The weight in row 67, column 98 of the matrix is {shown}; {precision} needs finite weights.", () => Bands.Encode(layout, 1, weights, [], new byte[layout.BytesOf(1)]));
        }
    }

    [Fact]
    public void Encode_Nf4Dynamic_NamesTheWayThatThereIs()
    {
        var layout = new BandLayout(WeightPrecision.Nf4Dynamic, 1, 64);

        Refused("The precision is Nf4Dynamic, whose scales need the whole matrix; quantize that, then pack its parts with PackDynamic.", () => Bands.Encode(layout, 0, new float[64], [], new byte[layout.BytesOf(0)]));
    }

    [Fact]
    public void DecodeScales_PrecisionWithoutBlocksOf4Bits_NamesIt()
    {
        var layout = new BandLayout(WeightPrecision.Int8Block, 1, 64);

        Refused("The precision is Int8Block; only Nf4 and Nf4Dynamic have scales of blocks in 4 bits.", () => Bands.DecodeScales(layout, 0, new byte[layout.BytesOf(0)], 0, 1, new float[1]));
    }

    [Fact]
    public void PackFp8_WrongArguments_NameThem()
    {
        var layout = new BandLayout(WeightPrecision.Fp8, 2, 200);
        var bytes = new byte[layout.BytesOf(0)];
        Refused("codes has 399 elements; it must have 400", () => Bands.PackFp8(layout, 0, new byte[399], new float[2], bytes));
        Refused("scales has 3 elements; it must have 2", () => Bands.PackFp8(layout, 0, new byte[400], new float[3], bytes));
        Refused("destination has 1 elements; it must have 1088", () => Bands.PackFp8(layout, 0, new byte[400], new float[2], new byte[1]));
        Refused("The precision is Nf4; it must be Fp8.", () => Bands.PackFp8(Small, 0, new byte[64 * 128], new float[1], bytes));
        Assert.Throws<ArgumentOutOfRangeException>("band", () => Bands.PackFp8(layout, 1, new byte[400], new float[2], bytes));
    }

    [Fact]
    public void PackAndUnpackDynamic_WrongArguments_NameThem()
    {
        var layout = new BandLayout(WeightPrecision.Nf4Dynamic, 2, 128);
        var bytes = new byte[layout.BytesOf(0)];
        var (codes, scales, groups) = (new byte[128], new byte[4], new float[1]);
        Refused("codes has 127 elements; it must have 128", () => Bands.PackDynamic(layout, 0, new byte[127], scales, groups, 0, bytes));
        Refused("scaleCodes has 5 elements; it must have 4", () => Bands.PackDynamic(layout, 0, codes, new byte[5], groups, 0, bytes));
        Refused("groupScales has 2 elements; it must have 1", () => Bands.PackDynamic(layout, 0, codes, scales, new float[2], 0, bytes));
        Refused("destination has 1 elements; it must have 1088", () => Bands.PackDynamic(layout, 0, codes, scales, groups, 0, new byte[1]));
        Refused("source has 1 elements; it must have 1088", () => Bands.UnpackDynamic(layout, 0, new byte[1], codes, scales, groups, out _));
        Refused("codes has 127 elements; it must have 128", () => Bands.UnpackDynamic(layout, 0, bytes, new byte[127], scales, groups, out _));
        Refused("The precision is Nf4; it must be Nf4Dynamic.", () => Bands.PackDynamic(Small, 0, codes, scales, groups, 0, bytes));
        Assert.Throws<ArgumentOutOfRangeException>("band", () => Bands.UnpackDynamic(layout, 1, bytes, codes, scales, groups, out _));
    }

    [Fact]
    public void PackAndUnpackDynamic_ColumnsThatEndWithinABlock_NameTheReason()
    {
        const string Reason = "The matrix has 100 columns; they must be a multiple of 64, since the blocks of bitsandbytes would run from one row into the next.";
        var layout = new BandLayout(WeightPrecision.Nf4Dynamic, 2, 100);
        var bytes = new byte[layout.BytesOf(0)];

        Refused(Reason, () => Bands.PackDynamic(layout, 0, new byte[100], new byte[4], new float[1], 0, bytes));
        Refused(Reason, () => Bands.UnpackDynamic(layout, 0, bytes, new byte[100], new byte[4], new float[1], out _));
    }

    private static void Refused(string message, Action action) => Assert.StartsWith(message, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
}
