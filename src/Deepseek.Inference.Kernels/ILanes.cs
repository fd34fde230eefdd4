using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Vectors of one width, so that a kernel can be written once for all.</summary>
/// <typeparam name="TSingle">A vector of singles.</typeparam>
/// <typeparam name="TInt32">As many whole numbers of 32 bits.</typeparam>
/// <typeparam name="TInt16">Twice as many of 16 bits.</typeparam>
internal unsafe interface ILanes<TSingle, TInt32, TInt16>
    where TSingle : struct
    where TInt32 : struct
    where TInt16 : struct
{
    /// <summary>Singles of a vector; a divisor of 16.</summary>
    static abstract int Count { get; }

    /// <summary>The path that widens floats for these vectors.</summary>
    static abstract KernelPath WideningPath { get; }

    static abstract TSingle Create(float value);

    static abstract TSingle Load(float* from);

    static abstract void Store(TSingle value, float* to);

    static abstract TSingle Add(TSingle a, TSingle b);

    static abstract TSingle Subtract(TSingle a, TSingle b);

    static abstract TSingle Multiply(TSingle a, TSingle b);

    static abstract TSingle Divide(TSingle a, TSingle b);

    /// <summary>a · b + c, rounded once.</summary>
    static abstract TSingle FusedMultiplyAdd(TSingle a, TSingle b, TSingle c);

    /// <summary>The larger of each two; where one is NaN, either of the two, as one instruction has it.</summary>
    static abstract TSingle Max(TSingle a, TSingle b);

    /// <summary>The larger of magnitudes and those of values; NaN where one is NaN.</summary>
    static abstract TSingle MaxMagnitude(TSingle magnitudes, TSingle values);

    static abstract TSingle Abs(TSingle value);

    static abstract TSingle Exp(TSingle value);

    /// <summary>The values, but 0 where <paramref name="test"/> is 0.</summary>
    static abstract TSingle ZeroWhereZero(TSingle test, TSingle values);

    /// <summary>Rounds to the nearest whole number, to even between two, and writes 16 bits of each. Magnitudes are below 2²²; of what is not finite any bits are written, of the NaN that the processor makes 0.</summary>
    static abstract void StoreRounded(TSingle value, short* to);

    /// <summary>The same of two vectors, whose numbers are written in turn.</summary>
    static abstract void StoreRoundedPairs(TSingle first, TSingle second, short* to);

    static abstract TInt16 Load(short* from);

    /// <summary>As many numbers of 8 bits, widened.</summary>
    static abstract TInt16 Widen(sbyte* from);

    /// <summary>Pairs (aᵢ, bᵢ) of as many numbers of 8 bits, widened: the first half of them, and the second.</summary>
    static abstract (TInt16 First, TInt16 Second) WidenPairs(sbyte* a, sbyte* b);

    static abstract void Store(TInt16 value, short* to);

    /// <summary>The two numbers that lie there, again and again.</summary>
    static abstract TInt16 CreatePair(short* from);

    /// <summary>x₂ᵢ · a₂ᵢ + x₂ᵢ₊₁ · a₂ᵢ₊₁.</summary>
    static abstract TInt32 MultiplyPairs(TInt16 x, TInt16 a);

    /// <summary>Adds x₂ᵢ · a₂ᵢ + x₂ᵢ₊₁ · a₂ᵢ₊₁ to each of the first sums, and the products with b to the second.</summary>
    /// <remarks>Two at a time, since some processors do two products and then two additions faster than by turns.</remarks>
    static abstract void MultiplyAdd(TInt16 x, TInt16 a, TInt16 b, ref TInt32 first, ref TInt32 second);

    static abstract TSingle ToSingle(TInt32 value);

    /// <summary>The sum of each vector's numbers.</summary>
    static abstract Vector128<int> Sums(TInt32 a, TInt32 b, TInt32 c, TInt32 d);

    /// <summary>Pairs (aᵢ, bᵢ): the first half of them, and the second.</summary>
    static abstract (TInt16 First, TInt16 Second) Interleave(TInt16 a, TInt16 b);
}
