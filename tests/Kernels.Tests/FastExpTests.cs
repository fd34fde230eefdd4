using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class FastExpTests
{
    // Half a unit for the last rounding, the rest for the polynomial and its argument.
    private const double UnitsWithin = 1.0;

    public static TheoryData<string> Forms => ["scalar", "128", "256", "512"];

    [Theory, MemberData(nameof(Forms))]
    public void Exp_WholeRange_IsWithinAUnitInTheLastPlace(string form)
    {
        // Every 997th number of either sign up to 110 in magnitude, beyond what is 0 and infinite.
        var worst = 0.0;
        for (var bits = 0; bits < BitConverter.SingleToInt32Bits(110f); bits += 997)
        {
            var magnitude = BitConverter.Int32BitsToSingle(bits);
            worst = Math.Max(worst, Math.Max(Units(magnitude, Exp(form, magnitude)), Units(-magnitude, Exp(form, -magnitude))));
        }

        Assert.InRange(worst, 0, UnitsWithin);
    }

    [Theory, MemberData(nameof(Forms))]
    public void Exp_DenseAroundTheRoundingsOfN_IsWithinAUnit(string form)
    {
        for (var n = -150; n <= 128; n++)
        {
            for (var step = -50; step <= 50; step++)
            {
                var x = (float)((n + 0.5) * Math.Log(2)) * (1 + (step * 1.2e-7f));
                Assert.InRange(Units(x, Exp(form, x)), 0, UnitsWithin);
            }
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Exp_Extremes_AreExact(string form)
    {
        Assert.Equal(1f, Exp(form, 0f));
        Assert.Equal(1f, Exp(form, -0f));
        Assert.Equal(float.PositiveInfinity, Exp(form, float.PositiveInfinity));
        Assert.Equal(float.PositiveInfinity, Exp(form, float.MaxValue));
        Assert.Equal(float.PositiveInfinity, Exp(form, 88.73f));
        Assert.InRange(Exp(form, 88.72f), 3.38e38f, float.MaxValue);
        Assert.Equal(0f, Exp(form, float.NegativeInfinity));
        Assert.Equal(0f, Exp(form, float.MinValue));
        Assert.Equal(0f, Exp(form, -103.98f));
        Assert.Equal(float.Epsilon, Exp(form, -103.9f));
        Assert.True(float.IsNaN(Exp(form, float.NaN)));
    }

    [Fact]
    public void Exp_AnyBits_AreTheSameInAllWidths()
    {
        var random = new Random(20260301);
        for (var i = 0; i < 200_000; i++)
        {
            var x = i % 2 == 0 ? BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)) : (float)((random.NextDouble() - 0.5) * 220);
            var expected = Exp("scalar", x);
            if (float.IsNaN(expected))
                continue; // its payload is the processor's own

            foreach (var form in new[] { "128", "256", "512" })
                Assert.True(BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(Exp(form, x)), $"exp({x}) in {form}");
        }
    }

    // The other elements hold other numbers, so that one cannot stand for another.
    private static float Exp(string form, float x) => form switch
    {
        "128" => FastExp.Exp(Vector128.Create(1f, 2f, x, -3f))[2],
        "256" => FastExp.Exp(Vector256.Create(1f, 2f, 3f, 4f, 5f, x, 0f, float.NaN))[5],
        "512" => FastExp.Exp(Vector512.Create(Vector256.Create(float.NaN), Vector256.Create(1f, 2f, 3f, 4f, 5f, 6f, 7f, x)))[15],
        _ => FastExp.Exp(x),
    };

    // How far a result lies from the true one, in units of the last place of a single of its size.
    private static double Units(float x, float actual)
    {
        var expected = Math.Exp(x);
        if (expected > float.MaxValue * (1 + 3e-8))
            return float.IsPositiveInfinity(actual) ? 0 : double.PositiveInfinity;

        var unit = Math.Pow(2, Math.Max(Math.Floor(Math.Log2(expected)), -126) - 23);
        return Math.Abs(actual - expected) / unit;
    }
}
