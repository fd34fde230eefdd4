namespace Deepseek.Inference.Kernels.Tests;

/// <summary>16 and 32 bits.</summary>
public sealed partial class BandsTests
{
    [Theory]
    [InlineData(WeightPrecision.BF16)]
    [InlineData(WeightPrecision.F16)]
    [InlineData(WeightPrecision.F32)]
    public void EncodeAndDecode_Float_IsTheNearestValue(WeightPrecision precision)
    {
        var random = new Random(20260241);
        foreach (var layout in BandData.Layouts(precision))
        {
            var weights = BandData.StudentT5(random, layout.Rows * layout.Columns);

            var decoded = BandData.Decode(KernelPaths.Selected, layout, BandData.Encode(KernelPaths.Selected, layout, weights, []));

            Assert.Equal(Bits(Array.ConvertAll(weights, weight => Nearest(precision, weight))), Bits(decoded));
        }
    }

    [Theory]
    [InlineData(WeightPrecision.BF16)]
    [InlineData(WeightPrecision.F16)]
    [InlineData(WeightPrecision.F32)]
    public void EncodeAndDecode_WhatIsNoNumber_IsKept(WeightPrecision precision)
    {
        var layout = new BandLayout(precision, 1, 20);
        var weights = new float[20];
        (weights[0], weights[1], weights[2], weights[19]) = (float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.NaN);

        var decoded = BandData.Decode(KernelPaths.Selected, layout, BandData.Encode(KernelPaths.Selected, layout, weights, []));

        Assert.Equal(weights, decoded);
    }

    [Fact]
    public void Encode_BF16Lines_HoldNeighboursInOrder()
    {
        var layout = new BandLayout(WeightPrecision.BF16, 4, 33);
        var weights = Enumerable.Range(0, 132).Select(i => (float)i).ToArray();

        var bytes = BandData.Encode(KernelPaths.Selected, layout, weights, []);

        Assert.Equal(0x3F80, BitConverter.ToUInt16(bytes, 2)); // row 0, column 1
        Assert.Equal(0x4204, BitConverter.ToUInt16(bytes, 64)); // row 1, column 0: 33
        Assert.Equal(0x4200, BitConverter.ToUInt16(bytes, 256)); // row 0, column 32: the first of its second line
    }

    private static float Nearest(WeightPrecision precision, float weight) => precision switch
    {
        WeightPrecision.F32 => weight,
        WeightPrecision.F16 => (float)(Half)weight,
        _ => (float)Math.Round(weight / Unit(weight), MidpointRounding.ToEven) * Unit(weight),
    };

    /// <summary>The last place of bfloat16: seven bits of fraction.</summary>
    private static float Unit(float weight) => weight == 0 ? 1 : MathF.Pow(2, MathF.Floor(MathF.Log2(MathF.Abs(weight))) - 7);
}
