using System.Runtime.InteropServices;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe class VectorMathTests
{
    private const int MaxLength = 70;

    // Two or three roundings, and the exponential's error of one unit: each 1.2e-7 at most.
    private const double RelativeError = 4e-7;

    // x · rsqrt · w in single precision throughout, as tensors do it.
    private const double RelativeErrorOfSingle = 1e-6;

    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available.Append(KernelPath.Avx512).Distinct()];

    [Theory, MemberData(nameof(Paths))]
    public void EveryOperation_AnyLength_EqualsScalarBitForBitAndStaysWithin(KernelPath path)
    {
        var random = new Random(20260410);
        for (var length = 0; length <= MaxLength; length++)
        {
            var (a, b) = (Values(random, 2 * length), Values(random, 2 * length));
            for (var operation = 0; operation < 6; operation++)
            {
                var (expected, actual) = (Apply(operation, KernelPath.Scalar, a, b, length), Apply(operation, path, a, b, length));
                Assert.True(Bits(expected).SequenceEqual(Bits(actual)), $"operation {operation} of {length} elements");
                Assert.All(actual[(operation is 4 or 5 ? 2 * length : length)..], value => Assert.Equal(-7, value));
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void SiluMultiply_ManyGates_IsWithinItsRoundings(KernelPath path)
    {
        var gate = Enumerable.Range(-8700, 20001).Select(i => i * 0.01f).ToArray();
        var up = Enumerable.Repeat(-3f, gate.Length).ToArray();

        var actual = Silu(path, gate, up);

        for (var i = 0; i < gate.Length; i++)
            Assert.InRange(Math.Abs(actual[i] - Expected(gate[i])), 0, RelativeError * Math.Abs(Expected(gate[i])));

        static double Expected(double gate) => gate / (1 + Math.Exp(-gate)) * -3;
    }

    [Theory, MemberData(nameof(Paths))]
    public void SiluMultiply_Extremes_AreZerosTheGateAndNaN(KernelPath path)
    {
        float[] gate = [-float.MaxValue, -1000, -100, 0, 100, 1000, 1e30f, float.PositiveInfinity, float.NaN, -89, -105, 20, 1, 2, 3, 4, -1e20f];
        var up = Enumerable.Repeat(1f, gate.Length).ToArray();

        var actual = Silu(path, gate, up);

        Assert.Equal([0f, 0f, 0f, 0f, 100f, 1000f, 1e30f, float.PositiveInfinity, float.NaN, 0f, 0f], actual.Take(11).Select(value => value + 0f)); // −0 + 0 is 0
        Assert.Equal(0, actual[^1]);
    }

    [Theory, MemberData(nameof(Paths))]
    public void RmsNorm_AnyLength_IsTheFormula(KernelPath path)
    {
        const double epsilon = 1e-6;
        var random = new Random(20260411);
        foreach (var length in new[] { 1, 15, 16, 64, 100, 1536, 7168 })
        {
            var (x, weight, actual) = (Values(random, length), Values(random, length), new float[length]);
            var square = x.Sum(value => (double)value * value) / length;
            var single = 1 / MathF.Sqrt((float)square + (float)epsilon);

            fixed (float* px = x, pw = weight, py = actual)
                VectorMath.RmsNorm(path, px, pw, epsilon, py, length);

            for (var i = 0; i < length; i++)
            {
                var expected = x[i] / Math.Sqrt(square + epsilon) * weight[i];
                Assert.InRange(Math.Abs(actual[i] - expected), 0, RelativeError * Math.Abs(expected));
                Assert.InRange(Math.Abs(actual[i] - (x[i] * single * weight[i])), 0, RelativeErrorOfSingle * Math.Abs(expected));
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void RmsNorm_ZerosAndInPlace_StayZeros(KernelPath path)
    {
        var x = new float[20];

        fixed (float* px = x)
            VectorMath.RmsNorm(path, px, px, 1e-6, px, x.Length);

        Assert.All(x, value => Assert.Equal(0, value));
    }

    [Theory, MemberData(nameof(Paths))]
    public void Turns_QuarterOfACircle_MakeTheSecondNegative(KernelPath path)
    {
        const int pairs = 9;
        var x = Enumerable.Range(1, 2 * pairs).Select(i => (float)i).ToArray();
        var (cosine, sine) = (new float[pairs], Enumerable.Repeat(1f, pairs).ToArray());
        var (interleaved, halves) = ((float[])x.Clone(), (float[])x.Clone());

        fixed (float* pc = cosine, ps = sine, pi = interleaved, ph = halves)
        {
            VectorMath.TurnInterleaved(path, pi, pc, ps, pi, pairs);
            VectorMath.TurnHalves(path, ph, pc, ps, ph, pairs);
        }

        Assert.Equal(Enumerable.Range(0, 2 * pairs).Select(i => i % 2 == 0 ? -x[i + 1] : x[i - 1]), interleaved);
        Assert.Equal([.. x[pairs..].Select(value => -value), .. x[..pairs]], halves);
    }

    [Theory, MemberData(nameof(Paths))]
    public void AddScaled_NearlyCancelling_IsRoundedOnce(KernelPath path)
    {
        const float odd = 1 + 1.1920929e-7f; // its square needs more places than a single has
        var x = Enumerable.Repeat(odd, 19).ToArray();
        var y = Enumerable.Repeat(-odd * odd, 19).ToArray();

        fixed (float* px = x, py = y)
            VectorMath.AddScaled(path, px, odd, py, 19);

        Assert.All(y, value => Assert.Equal(1.4210854715202004e-14f, value)); // 2⁻⁴⁶, what rounding the square took
    }

    [Fact]
    public void EveryOperation_NegativeCount_Throws()
    {
        var x = 0f;
        var p = (nint)(&x);

        Assert.Throws<ArgumentOutOfRangeException>("count", () => VectorMath.Add(KernelPath.Scalar, (float*)p, (float*)p, -1));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => VectorMath.AddScaled(KernelPath.Scalar, (float*)p, 1, (float*)p, -1));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => VectorMath.SiluMultiply(KernelPath.Scalar, (float*)p, (float*)p, (float*)p, -1));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => VectorMath.RmsNorm(KernelPath.Scalar, (float*)p, (float*)p, 0, (float*)p, -1));
        Assert.Throws<ArgumentOutOfRangeException>("pairs", () => VectorMath.TurnHalves(KernelPath.Scalar, (float*)p, (float*)p, (float*)p, (float*)p, -1));
        Assert.Throws<ArgumentOutOfRangeException>("pairs", () => VectorMath.TurnInterleaved(KernelPath.Scalar, (float*)p, (float*)p, (float*)p, (float*)p, -1));
    }

    [Fact]
    public void EveryOperation_AnyLength_AllocatesNothing()
    {
        var (a, b, destination) = (new float[200], new float[200], new float[200]);
        fixed (float* pa = a, pb = b, pd = destination)
        {
            var (x, y, to) = ((nint)pa, (nint)pb, (nint)pd);
            Assert.Equal(0, Allocations.LeastOf(() => All((float*)x, (float*)y, (float*)to)));
        }

        static void All(float* a, float* b, float* destination)
        {
            for (var operation = 0; operation < 6; operation++)
                Apply(operation, KernelPaths.Selected, a, b, destination, 99);
        }
    }

    private static float[] Apply(int operation, KernelPath path, float[] a, float[] b, int length)
    {
        var destination = new float[(2 * length) + 3];
        Array.Fill(destination, -7);
        if (operation is 2 or 3)
            b.AsSpan(0, length).CopyTo(destination);
        fixed (float* pa = a, pb = b, pd = destination)
            Apply(operation, path, pa, pb, pd, length);
        return destination;
    }

    private static void Apply(int operation, KernelPath path, float* a, float* b, float* destination, int length)
    {
        switch (operation)
        {
            case 0:
                VectorMath.RmsNorm(path, a, b, 1e-5, destination, length);
                break;
            case 1:
                VectorMath.SiluMultiply(path, a, b, destination, length);
                break;
            case 2:
                VectorMath.Add(path, a, destination, length);
                break;
            case 3:
                VectorMath.AddScaled(path, a, 0.3f, destination, length);
                break;
            case 4:
                VectorMath.TurnHalves(path, a, b, b + length, destination, length);
                break;
            default:
                VectorMath.TurnInterleaved(path, a, b, b + length, destination, length);
                break;
        }
    }

    private static float[] Silu(KernelPath path, float[] gate, float[] up)
    {
        var destination = new float[gate.Length];
        fixed (float* pg = gate, pu = up, pd = destination)
            VectorMath.SiluMultiply(path, pg, pu, pd, gate.Length);
        return destination;
    }

    private static float[] Values(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 20)];

    private static int[] Bits(float[] values) => MemoryMarshal.Cast<float, int>(values).ToArray();
}
