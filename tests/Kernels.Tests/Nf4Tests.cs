using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class Nf4Tests
{
    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    [Theory, MemberData(nameof(Paths))]
    public void EncodeBlock_AnyLengthAndScale_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20260101);
        for (var length = 0; length <= 130; length++)
        {
            foreach (var scale in new[] { 1f, -0.7f, 3e-5f, 2e30f, 0f })
            {
                var values = Values(random, length, scale);
                var expected = new byte[(length + 1) / 2];
                var actual = new byte[(length + 1) / 2];

                Nf4.EncodeBlock(KernelPath.Scalar, values, scale, expected);
                Nf4.EncodeBlock(path, values, scale, actual);

                Assert.Equal(expected, actual);
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void DecodeBlock_AnyLengthAndScale_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20260102);
        for (var length = 0; length <= 130; length++)
        {
            var codes = new byte[(length + 1) / 2];
            random.NextBytes(codes);
            var expected = new float[length];
            var actual = new float[length];

            Nf4.DecodeBlock(KernelPath.Scalar, codes, -0.37f, expected);
            Nf4.DecodeBlock(path, codes, -0.37f, actual);

            Assert.Equal(MemoryMarshal.Cast<float, int>(expected), MemoryMarshal.Cast<float, int>(actual));
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void EncodeBlock_LevelsAndThresholds_TiesGoLow(KernelPath path)
    {
        var thresholds = Nf4.Thresholds.ToArray();
        var values = Nf4.Levels.ToArray().Concat(thresholds).Concat(thresholds.Select(MathF.BitIncrement)).Concat([float.NaN, float.NegativeInfinity]).ToArray();
        var codes = new byte[values.Length / 2];

        Nf4.EncodeBlock(path, values, 1f, codes);

        var unpacked = codes.SelectMany(pair => new[] { pair >> 4, pair & 0xF });
        Assert.Equal(Enumerable.Range(0, 16).Concat(Enumerable.Range(0, 15)).Concat(Enumerable.Range(1, 15)).Concat([0, 0]), unpacked);
    }

    [Fact]
    public void Decode_HandWorkedBytes_GivesHighNibbleFirst()
    {
        var actual = new float[3];

        Nf4.Decode([0xF0, 0x70], [3f], 64, actual); // codes 15, 0, 7 → levels +1, −1, 0

        Assert.Equal([3f, -3f, 0f], actual);
    }

    [Fact]
    public void Encode_TwoBlocksOfARaggedRow_EachTakesItsScale()
    {
        var values = Enumerable.Repeat(1f, 16).Concat([-4f, 4f, 0f]).ToArray();
        var codes = new byte[10];

        Nf4.Encode(values, [1f, 4f], 16, codes);

        Assert.All(codes[..8], pair => Assert.Equal(0xFF, pair));
        Assert.Equal([0x0F, 0x70], codes[8..]);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-45f)] // its inverse is infinite
    public void Encode_BlockWithoutAScale_BecomesZeros(float scale)
    {
        var codes = new byte[2];
        var decoded = new float[3];

        Nf4.Encode([0f, 1f, 2f], [scale], 16, codes);
        Nf4.Decode(codes, [1f], 16, decoded);

        Assert.Equal([0x77, 0x70], codes);
        Assert.Equal([0f, 0f, 0f], decoded);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-64)]
    [InlineData(24)]
    public void Encode_ImpossibleBlockSize_NamesTheRule(int blockSize)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => Nf4.Encode(new float[64], new float[1], blockSize, new byte[32]));

        Assert.StartsWith("The block size of NF4 must be a positive multiple of 16; published models use 64.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EncodeAndDecode_WrongLengths_NameTheArgument()
    {
        Assert.StartsWith("scales has 1 elements; it must have 2", Assert.Throws<ArgumentException>(() => Nf4.Encode(new float[65], new float[1], 64, new byte[33])).Message, StringComparison.Ordinal);
        Assert.StartsWith("codes has 32 elements; it must have 33", Assert.Throws<ArgumentException>(() => Nf4.Decode(new byte[32], new float[2], 64, new float[65])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LargestMagnitude_AnyLength_IsThatOfLinq()
    {
        var random = new Random(20260106);
        for (var length = 1; length <= 130; length++)
        {
            var values = Values(random, length, 1f);

            Assert.Equal(values.Max(MathF.Abs), Nf4.LargestMagnitude(values));
        }

        Assert.Equal(0f, Nf4.LargestMagnitude([]));
        Assert.Equal(float.PositiveInfinity, Nf4.LargestMagnitude([1f, float.NegativeInfinity]));
        Assert.True(float.IsNaN(Nf4.LargestMagnitude([1f, float.NaN])));
    }

    internal static float[] Values(Random random, int length, float scale) =>
        [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() * 2.2) - 1.1) * scale)];
}
