using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>One multiply-add of an instruction set, over a register of numbers.</summary>
/// <typeparam name="T">The register of sums.</typeparam>
internal interface IMultiplyAdd<T>
{
    /// <summary>Products that one step multiplies and adds.</summary>
    static abstract int Products { get; }

    /// <summary>Numbers that stay ordinary: no operand is ever denormal, infinite or a NaN, which may cost time.</summary>
    static abstract T Start { get; }

    /// <summary>The products of one step, where adding them takes an instruction of its own; elsewhere anything.</summary>
    /// <param name="sum">The sums so far, which are multiplied.</param>
    /// <param name="x">The other factor.</param>
    static abstract T Multiply(T sum, T x);

    /// <summary>The sums after one step.</summary>
    /// <param name="sum">The sums so far.</param>
    /// <param name="products">What <see cref="Multiply"/> gave.</param>
    /// <param name="x">The other factor.</param>
    static abstract T Add(T sum, T products, T x);
}

// 16 bits: VPMADDWD, VPADDD.
internal readonly struct Int16Avx512 : IMultiplyAdd<Vector512<int>>
{
    public static int Products => 32;

    public static Vector512<int> Start => Vector512.Create(0x0003_0007);

    public static Vector512<int> Multiply(Vector512<int> sum, Vector512<int> x) => Avx512BW.MultiplyAddAdjacent(sum.AsInt16(), x.AsInt16());

    public static Vector512<int> Add(Vector512<int> sum, Vector512<int> products, Vector512<int> x) => sum + products;
}

internal readonly struct Int16Avx2 : IMultiplyAdd<Vector256<int>>
{
    public static int Products => 16;

    public static Vector256<int> Start => Vector256.Create(0x0003_0007);

    public static Vector256<int> Multiply(Vector256<int> sum, Vector256<int> x) => Avx2.MultiplyAddAdjacent(sum.AsInt16(), x.AsInt16());

    public static Vector256<int> Add(Vector256<int> sum, Vector256<int> products, Vector256<int> x) => sum + products;
}

internal readonly struct Int16Sse2 : IMultiplyAdd<Vector128<int>>
{
    public static int Products => 8;

    public static Vector128<int> Start => Vector128.Create(0x0003_0007);

    public static Vector128<int> Multiply(Vector128<int> sum, Vector128<int> x) => Sse2.MultiplyAddAdjacent(sum.AsInt16(), x.AsInt16());

    public static Vector128<int> Add(Vector128<int> sum, Vector128<int> products, Vector128<int> x) => sum + products;
}

// 16 bits in one instruction: VPDPWSSD.
internal readonly struct Int16Vnni : IMultiplyAdd<Vector256<int>>
{
    public static int Products => 16;

    public static Vector256<int> Start => Vector256.Create(0x0003_0007);

    public static Vector256<int> Multiply(Vector256<int> sum, Vector256<int> x) => x;

    public static Vector256<int> Add(Vector256<int> sum, Vector256<int> products, Vector256<int> x) => AvxVnni.MultiplyWideningAndAdd(sum, x.AsInt16(), x.AsInt16());
}

// 8 bits in one instruction: VPDPBUSD.
internal readonly struct Int8Vnni : IMultiplyAdd<Vector256<int>>
{
    public static int Products => 32;

    public static Vector256<int> Start => Vector256.Create(0x0305_0307);

    public static Vector256<int> Multiply(Vector256<int> sum, Vector256<int> x) => x;

    public static Vector256<int> Add(Vector256<int> sum, Vector256<int> products, Vector256<int> x) => AvxVnni.MultiplyWideningAndAdd(sum, x.AsByte(), x.AsSByte());
}

// 8 bits in four: VPSIGNB takes the weights' signs over, VPMADDUBSW, VPMADDWD by ones, VPADDD. In 512 bits there is no VPSIGNB, and who counts without it counts no less than a kernel can reach.
internal readonly struct Int8Avx512 : IMultiplyAdd<Vector512<int>>
{
    public static int Products => 64;

    public static Vector512<int> Start => Vector512.Create(0x0305_0307);

    public static Vector512<int> Multiply(Vector512<int> sum, Vector512<int> x) => Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(x.AsByte(), sum.AsSByte()), Vector512<short>.One);

    public static Vector512<int> Add(Vector512<int> sum, Vector512<int> products, Vector512<int> x) => sum + products;
}

internal readonly struct Int8Avx2 : IMultiplyAdd<Vector256<int>>
{
    public static int Products => 32;

    public static Vector256<int> Start => Vector256.Create(0x0305_0307);

    public static Vector256<int> Multiply(Vector256<int> sum, Vector256<int> x) => Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(x.AsByte(), Avx2.Sign(sum.AsSByte(), x.AsSByte())), Vector256<short>.One);

    public static Vector256<int> Add(Vector256<int> sum, Vector256<int> products, Vector256<int> x) => sum + products;
}

internal readonly struct Int8Ssse3 : IMultiplyAdd<Vector128<int>>
{
    public static int Products => 16;

    public static Vector128<int> Start => Vector128.Create(0x0305_0307);

    public static Vector128<int> Multiply(Vector128<int> sum, Vector128<int> x) => Sse2.MultiplyAddAdjacent(Ssse3.MultiplyAddAdjacent(x.AsByte(), Ssse3.Sign(sum.AsSByte(), x.AsSByte())), Vector128<short>.One);

    public static Vector128<int> Add(Vector128<int> sum, Vector128<int> products, Vector128<int> x) => sum + products;
}

// Where there are no instructions for narrower numbers: 32 bits.
internal readonly struct Int32Vector128 : IMultiplyAdd<Vector128<int>>
{
    public static int Products => 4;

    public static Vector128<int> Start => Vector128.Create(3);

    public static Vector128<int> Multiply(Vector128<int> sum, Vector128<int> x) => sum * x;

    public static Vector128<int> Add(Vector128<int> sum, Vector128<int> products, Vector128<int> x) => products + x;
}

internal readonly struct Int32Scalar : IMultiplyAdd<int>
{
    public static int Products => 1;

    public static int Start => 3;

    public static int Multiply(int sum, int x) => unchecked(sum * x);

    public static int Add(int sum, int products, int x) => unchecked(products + x);
}

// Single precision, fused: sums approach 0.5 / (1 − 0.5) = 1.
internal readonly struct Fp32Avx512 : IMultiplyAdd<Vector512<float>>
{
    public static int Products => 16;

    public static Vector512<float> Start => Vector512.Create(0.5f);

    public static Vector512<float> Multiply(Vector512<float> sum, Vector512<float> x) => x;

    public static Vector512<float> Add(Vector512<float> sum, Vector512<float> products, Vector512<float> x) => Avx512F.FusedMultiplyAdd(sum, x, x);
}

internal readonly struct Fp32Avx2 : IMultiplyAdd<Vector256<float>>
{
    public static int Products => 8;

    public static Vector256<float> Start => Vector256.Create(0.5f);

    public static Vector256<float> Multiply(Vector256<float> sum, Vector256<float> x) => x;

    public static Vector256<float> Add(Vector256<float> sum, Vector256<float> products, Vector256<float> x) => Fma.MultiplyAdd(sum, x, x);
}

internal readonly struct Fp32Vector128 : IMultiplyAdd<Vector128<float>>
{
    public static int Products => 4;

    public static Vector128<float> Start => Vector128.Create(0.5f);

    public static Vector128<float> Multiply(Vector128<float> sum, Vector128<float> x) => x;

    public static Vector128<float> Add(Vector128<float> sum, Vector128<float> products, Vector128<float> x) => Vector128.MultiplyAddEstimate(sum, x, x);
}

internal readonly struct Fp32Scalar : IMultiplyAdd<float>
{
    public static int Products => 1;

    public static float Start => 0.5f;

    public static float Multiply(float sum, float x) => x;

    public static float Add(float sum, float products, float x) => float.MultiplyAddEstimate(sum, x, x);
}
