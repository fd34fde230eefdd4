using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class Fp8E4M3Tests
{
    private const byte CanonicalNaN = 0x7F;

    // Every remainder of a vector, and around several steps of the widest.
    private const int MaxLength = 130;

    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    public static TheoryData<byte, float> HandWorkedCodes => new()
    {
        { 0x00, 0f },
        { 0x01, 0.001953125f }, // the smallest subnormal, 2^-9
        { 0x07, 0.013671875f }, // the largest subnormal, 7 · 2^-9
        { 0x08, 0.015625f }, // the smallest normal, 2^-6
        { 0x38, 1f },
        { 0x3C, 1.5f },
        { 0xC0, -2f },
        { 0x7E, 448f },
        { 0xFE, -448f },
    };

    [Theory, MemberData(nameof(HandWorkedCodes))]
    public void Decode_HandWorkedCode_GivesItsValue(byte code, float expected)
    {
        var actual = new float[1];

        Fp8E4M3.Decode([code], actual);

        Assert.Equal(expected, actual[0]);
    }

    [Theory, MemberData(nameof(Paths))]
    public void Decode_EveryCode_EqualsTheFormatsFormula(KernelPath path)
    {
        var codes = AllCodes();
        var actual = new float[256];

        Fp8E4M3.Decode(path, codes, 1f, actual);

        foreach (var code in codes)
        {
            var expected = Formula(code);
            Assert.True(BitConverter.DoubleToInt64Bits(expected) == BitConverter.DoubleToInt64Bits((double)actual[code])
                || (double.IsNaN(expected) && float.IsNaN(actual[code]) && float.IsNegative(actual[code]) == (code >= 0x80)),
                $"code {code:x2}: expected {expected}, found {actual[code]}");
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Decode_AnyLengthAndScale_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20250120);
        for (var length = 0; length <= MaxLength; length++)
        {
            var codes = new byte[length];
            random.NextBytes(codes);
            var scale = (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-40, 38)));
            var (expected, actual) = (new float[length], new float[length]);

            Fp8E4M3.DecodeScalar(codes, scale, expected);
            Fp8E4M3.Decode(path, codes, scale, actual);

            Assert.Equal(MemoryMarshal.Cast<float, int>(expected), MemoryMarshal.Cast<float, int>(actual));
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Decode_AnyLength_WritesNothingBeyond(KernelPath path)
    {
        for (var length = 0; length <= MaxLength; length++)
        {
            var destination = new float[length + 32];
            Array.Fill(destination, 7f);

            Fp8E4M3.Decode(path, new byte[length], 1f, destination.AsSpan(0, length));

            Assert.All(destination[length..], value => Assert.Equal(7f, value));
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Encode_EveryCodesValue_GivesTheCodeBack(KernelPath path)
    {
        var values = new float[256];
        Fp8E4M3.DecodeScalar(AllCodes(), 1f, values);
        var actual = new byte[256];

        Fp8E4M3.Encode(path, values, actual);

        Assert.Equal(AllCodes(), actual);
    }

    [Theory, MemberData(nameof(Paths))]
    public void Encode_AroundEveryMidpoint_RoundsToNearestEven(KernelPath path)
    {
        // Neighbouring codes are neighbouring values; ties go to the even code.
        for (byte code = 0; code < 0x7E; code++)
        {
            var middle = (float)((Formula(code) + Formula((byte)(code + 1))) / 2);
            float[] values = [MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle)];
            var even = (byte)(code % 2 == 0 ? code : code + 1);
            var padded = new float[64];
            values.CopyTo(padded, 0);
            var actual = new byte[64];

            Fp8E4M3.Encode(path, padded, actual);

            Assert.Equal([code, even, (byte)(code + 1)], actual[..3]);
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Encode_BeyondTheRange_SaturatesAndKeepsNaN(KernelPath path)
    {
        float[] values = [449, 464, 465, 1e30f, float.PositiveInfinity, -449, float.NegativeInfinity, float.NaN, float.Epsilon, -0f];
        byte[] expected = [0x7E, 0x7E, 0x7E, 0x7E, 0x7E, 0xFE, 0xFE, 0xFF, 0x00, 0x80]; // float.NaN has its sign set
        var padded = new float[64];
        values.CopyTo(padded, 0);
        var actual = new byte[64];

        Fp8E4M3.Encode(path, padded, actual);

        Assert.Equal(expected, actual[..values.Length]);
    }

    [Theory, MemberData(nameof(Paths))]
    public void Encode_AnyBitsAndLength_EqualsScalar(KernelPath path)
    {
        var random = new Random(20250121);
        for (var length = 0; length <= MaxLength; length++)
        {
            var values = new float[length];
            random.NextBytes(MemoryMarshal.AsBytes(values.AsSpan()));
            for (var i = 0; i < length; i += 2) // half of them where codes lie
                values[i] = (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-12, 12)));
            var (expected, actual) = (new byte[length], new byte[length]);

            Fp8E4M3.EncodeScalar(values, expected);
            Fp8E4M3.Encode(path, values, actual);

            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Encode_NaN_StaysNaN()
    {
        var actual = new byte[1];

        Fp8E4M3.Encode([float.NaN], actual);

        Assert.Equal(CanonicalNaN, actual[0] & CanonicalNaN);
    }

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(5, 7, 2, 3)]
    [InlineData(160, 192, 128, 128)] // the ragged blocks of the fixtures
    [InlineData(3, 200, 4, 64)]
    [InlineData(0, 5, 2, 2)]
    [InlineData(5, 0, 2, 2)]
    public void DecodeBlocks_AnyShape_MultipliesEachElementByItsBlocksScale(int rows, int columns, int blockRows, int blockColumns)
    {
        var random = new Random(20250122);
        var codes = new byte[rows * columns];
        random.NextBytes(codes);
        var across = (columns + blockColumns - 1) / blockColumns;
        var scales = Enumerable.Range(0, (rows + blockRows - 1) / blockRows * across).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var actual = new float[rows * columns];

        Fp8E4M3.DecodeBlocks(codes, rows, columns, scales, blockRows, blockColumns, actual);

        for (var i = 0; i < codes.Length; i++)
        {
            var expected = Fp8E4M3.DecodeScalar(codes[i]) * scales[i / columns / blockRows * across + i % columns / blockColumns];
            Assert.Equal(expected, actual[i]);
        }
    }

    [Fact]
    public void DecodeBlocks_WrongArguments_SaysWhichAndWhatItMustBe()
    {
        var codes = Assert.Throws<ArgumentException>(() => Fp8E4M3.DecodeBlocks(new byte[5], 2, 3, [1f], 128, 128, new float[6]));
        var scales = Assert.Throws<ArgumentException>(() => Fp8E4M3.DecodeBlocks(new byte[6], 2, 3, [1f], 1, 128, new float[6]));
        var destination = Assert.Throws<ArgumentException>(() => Fp8E4M3.DecodeBlocks(new byte[6], 2, 3, [1f], 128, 128, new float[7]));

        Assert.Equal("codes has 5 elements; it must have 6, to fit the other arguments. (Parameter 'codes')", codes.Message);
        Assert.Equal("scales has 1 elements; it must have 2, to fit the other arguments. (Parameter 'scales')", scales.Message);
        Assert.Equal("destination has 7 elements; it must have 6, to fit the other arguments. (Parameter 'destination')", destination.Message);
        Assert.Throws<ArgumentOutOfRangeException>("rows", () => Fp8E4M3.DecodeBlocks([], -1, 3, [], 128, 128, []));
        Assert.Throws<ArgumentOutOfRangeException>("columns", () => Fp8E4M3.DecodeBlocks([], 1, -3, [], 128, 128, []));
        Assert.Throws<ArgumentOutOfRangeException>("blockRows", () => Fp8E4M3.DecodeBlocks([], 1, 1, [], 0, 128, []));
        Assert.Throws<ArgumentOutOfRangeException>("blockColumns", () => Fp8E4M3.DecodeBlocks([], 1, 1, [], 128, 0, []));
    }

    [Fact]
    public void DecodeAndEncode_LengthsDiffer_Throw()
    {
        Assert.Throws<ArgumentException>("destination", () => Fp8E4M3.Decode(new byte[2], new float[3]));
        Assert.Throws<ArgumentException>("destination", () => Fp8E4M3.Decode(new byte[2], 1f, new float[1]));
        Assert.Throws<ArgumentException>("destination", () => Fp8E4M3.Encode(new float[2], new byte[3]));
    }

    private static byte[] AllCodes() => [.. Enumerable.Range(0, 256).Select(i => (byte)i)];

    // Independent of the implementation: sign · 2^(e-7) · (1 + m/8), subnormals 2^-6 · m/8, in double precision.
    private static double Formula(byte code)
    {
        var (sign, exponent, mantissa) = (code >= 0x80 ? -1.0 : 1.0, code >> 3 & 15, code & 7);
        if (exponent == 15 && mantissa == 7)
            return double.NaN;
        return exponent == 0 ? sign * mantissa / 8 * Math.Pow(2, -6) : sign * (1 + mantissa / 8.0) * Math.Pow(2, exponent - 7);
    }
}
