using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class WidenTests
{
    private const int MaxLength = 130;

    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    [Theory, MemberData(nameof(Paths))]
    public void FromHalf_EveryCode_EqualsTheBaseClassLibrary(KernelPath path)
    {
        var codes = AllCodes();
        var expected = codes.Select(code => BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf(code))).ToArray();
        var actual = new float[codes.Length];

        Widen.From(Widen.Format.Half, path, codes, actual);

        Assert.Equal(expected, MemoryMarshal.Cast<float, uint>(actual));
    }

    [Theory, MemberData(nameof(Paths))]
    public void FromBFloat16_EveryCode_IsTheUpperHalfOfASingle(KernelPath path)
    {
        var codes = AllCodes();
        var expected = codes.Select(code => (uint)code << 16).ToArray();
        var actual = new float[codes.Length];

        Widen.From(Widen.Format.BFloat16, path, codes, actual);

        Assert.Equal(expected, MemoryMarshal.Cast<float, uint>(actual));
    }

    [Theory, MemberData(nameof(Paths))]
    public void From_AnyLength_FillsItAndNothingBeyond(KernelPath path)
    {
        for (var length = 0; length <= MaxLength; length++)
        {
            var codes = Enumerable.Repeat((ushort)0x3C00, length).ToArray(); // 1 in half precision, 2^-7 in bfloat16
            var destination = new float[length + 32];
            Array.Fill(destination, 7f);

            Widen.From(Widen.Format.Half, path, codes, destination.AsSpan(0, length));

            Assert.All(destination[..length], value => Assert.Equal(1f, value));
            Assert.All(destination[length..], value => Assert.Equal(7f, value));
        }
    }

    [Fact]
    public void FromHalfAndFromBFloat16_SelectedPath_Widen()
    {
        var (half, brain) = (new float[3], new float[3]);

        Widen.FromHalf([(Half)1, (Half)(-0.5), Half.MaxValue], half);
        Widen.FromBFloat16([0x3F80, 0xC000, 0x7F80], brain);

        Assert.Equal([1f, -0.5f, 65504f], half);
        Assert.Equal([1f, -2f, float.PositiveInfinity], brain);
    }

    [Fact]
    public void FromHalfAndFromBFloat16_LengthsDiffer_Throw()
    {
        var half = Assert.Throws<ArgumentException>("destination", () => Widen.FromHalf(new Half[2], new float[1]));
        Assert.Throws<ArgumentException>("destination", () => Widen.FromBFloat16(new ushort[2], new float[3]));

        Assert.StartsWith("destination has 1 elements; it must have 2, one for each value.", half.Message, StringComparison.Ordinal);
    }

    private static ushort[] AllCodes() => [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];
}
