namespace Deepseek.Inference.Kernels.Tests;

public sealed class NarrowTests
{
    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    [Theory, MemberData(nameof(Paths))]
    public void ToHalf_BordersAndAnyBits_EqualTheBaseClassLibrary(KernelPath path)
    {
        var values = Values(code => (float)BitConverter.UInt16BitsToHalf((ushort)code));

        var actual = new ushort[values.Length];
        Narrow.ToHalf(path, values, actual);

        Assert.Equal(Array.ConvertAll(values, value => BitConverter.HalfToUInt16Bits((Half)value)), actual);
    }

    [Theory, MemberData(nameof(Paths))]
    public void ToBFloat16_BordersAndAnyBits_AreTheNearestWithTiesToEven(KernelPath path)
    {
        var values = Values(code => BitConverter.UInt32BitsToSingle((uint)code << 16));

        var actual = new ushort[values.Length];
        Narrow.ToBFloat16(path, values, actual);

        Assert.Equal(Array.ConvertAll(values, NearestBFloat16), actual);
    }

    [Theory, MemberData(nameof(Paths))]
    public void ToHalfAndToBFloat16_AnyLength_FillItAndNothingBeyond(KernelPath path)
    {
        for (var length = 0; length <= 40; length++)
        {
            var values = Enumerable.Repeat(1f, length).ToArray();
            var (half, brain) = (new ushort[64], new ushort[64]);

            Narrow.ToHalf(path, values, half.AsSpan(0, length));
            Narrow.ToBFloat16(path, values, brain.AsSpan(0, length));

            Assert.Equal([.. Enumerable.Repeat((ushort)0x3C00, length), .. new ushort[64 - length]], half);
            Assert.Equal([.. Enumerable.Repeat((ushort)0x3F80, length), .. new ushort[64 - length]], brain);
        }
    }

    /// <summary>Every number of a format, the middles between neighbours with the singles around them, and a hundred thousand random singles.</summary>
    private static float[] Values(Func<int, float> numberOf)
    {
        var random = new Random(20260271);
        var exact = Enumerable.Range(0, 65536).Select(numberOf).ToArray();
        var middles = exact.Zip(exact.Skip(1)).Where(pair => float.IsFinite(pair.First) && float.IsFinite(pair.Second)).Select(pair => (float)((pair.First + (double)pair.Second) / 2));
        return
        [
            .. exact, 65520f, MathF.BitDecrement(65520f), float.MaxValue, // beyond the largest half, and beyond the largest bfloat16
            .. middles.SelectMany(middle => new[] { middle, MathF.BitIncrement(middle), MathF.BitDecrement(middle) }),
            .. Enumerable.Range(0, 100_000).Select(_ => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue))),
        ];
    }

    private static ushort NearestBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)(bits >> 16 | 0x40);

        // Of the numbers below and above: the nearer one, of two as near the even one. Magnitudes are in the order of their bits, infinity next to the largest.
        var below = bits >> 16;
        var rest = bits & 0xFFFF;
        var up = rest > 0x8000 || (rest == 0x8000 && below % 2 == 1);
        return (ushort)(up ? below + 1 : below);
    }
}
