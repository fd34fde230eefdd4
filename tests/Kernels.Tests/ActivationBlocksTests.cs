using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>A block becomes the same whole numbers and scale in every order.</summary>
public sealed unsafe class ActivationBlocksTests
{
    private const int Columns = BandLayout.BlockColumns;

    // Zeros of both signs, halves of steps, subnormal numbers, those whose inverse is none, and what is not finite.
    private static readonly float[] Special = [0, -0f, 0.5f, -1.5f, 2.5f, 1, -1, float.Epsilon, 1e-39f, -3e-38f, 1e30f, -float.MaxValue, float.PositiveInfinity, float.NaN];

    public static TheoryData<string> Orders => [.. Enum.GetNames<ActivationOrder>()];

    [Theory, MemberData(nameof(Orders))]
    public void RoundBlock_AnyNumbers_AreThoseOfTheDefinition(string name)
    {
        var order = Enum.Parse<ActivationOrder>(name);
        var bytes = order is ActivationOrder.DotBytes or ActivationOrder.Magnitudes or ActivationOrder.Correction;
        var normal = from numbers in Gen.Choose(-100_000, 100_000).ArrayOf(Columns)
                     from exponent in Gen.Choose(-140, 100)
                     select numbers.Select(number => number * MathF.ScaleB(1, exponent)).ToArray();
        var mixed = from numbers in normal
                    from special in Gen.Elements(Special).ArrayOf(Columns)
                    from every in Gen.Choose(1, Columns)
                    select numbers.Select((number, i) => i % every == 0 ? special[i] : number).ToArray();
        Prop.ForAll(Gen.OneOf(normal, mixed, Gen.Elements(Special).ArrayOf(Columns)).ToArbitrary(), values =>
        {
            foreach (var largest in bytes ? [127] : (int[])[127, 32_767])
            {
                var (numbers, scale, _) = Round(values, largest, ActivationOrder.Columns);
                var (actual, actualScale, correction) = Round(values, largest, order);
                Assert.Equal(BitConverter.SingleToInt32Bits(scale), BitConverter.SingleToInt32Bits(actualScale));
                Assert.Equal(numbers, actual);
                if (order == ActivationOrder.DotBytes)
                    Assert.Equal(-128 * numbers.Sum(number => number), correction);
            }
        }).QuickCheckThrowOnFailure();
    }

    private static (short[] Numbers, float Scale, int Correction) Round(float[] values, int largest, ActivationOrder order)
    {
        var scales = stackalloc float[2];
        var block = stackalloc byte[PreparedActivations.BlockBytes];
        fixed (float* from = values)
            ActivationBlocks.RoundBlock(from, largest, order, scales, block);
        var numbers = new short[Columns];
        for (var i = 0; i < Columns; i++)
        {
            numbers[i] = order switch
            {
                ActivationOrder.Columns or ActivationOrder.Words or ActivationOrder.TileWords => ((short*)block)[i],
                ActivationOrder.EvenOdd or ActivationOrder.DotWords => ((short*)block)[(i / 2) + (i % 2 * Columns / 2)],
                _ => ((sbyte*)block)[i],
            };
        }

        return (numbers, scales[0], ((int*)scales)[1]);
    }
}
