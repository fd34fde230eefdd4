using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Weights as a checkpoint stores them, widened to single precision in registers. The bits are those of <see cref="Widen"/> and <see cref="Fp8E4M3"/>.</summary>
internal unsafe interface IStoredForm
{
    /// <summary>Bytes of a weight.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether this thread computes as <see cref="Read"/> needs it.</summary>
    static abstract bool IsExact { get; }

    /// <summary>What a block's scale is made before <see cref="Read"/> multiplies with it; infinite where that cannot be done. Forms that have no scales do nothing with it.</summary>
    static abstract float Factor(float scale);

    /// <summary>Eight weights.</summary>
    /// <param name="from">Where they lie.</param>
    /// <param name="factor">Of <see cref="Factor"/>, in every element.</param>
    /// <param name="largest">The largest magnitudes so far, which the weights' join.</param>
    static abstract Vector256<float> Read(byte* from, Vector256<float> factor, ref Vector256<uint> largest);

    /// <summary>Whether what has been read were numbers that <see cref="Read"/> widens rightly: it takes infinities and NaN for numbers.</summary>
    static abstract bool AreFinite(Vector256<uint> largest);
}

/// <summary>bfloat16: the upper half of a single. Whatever it is, it is right.</summary>
internal readonly unsafe struct BFloat16Form : IStoredForm
{
    public static int Bytes => sizeof(ushort);

    public static bool IsExact => true;

    public static float Factor(float scale) => scale;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(byte* from, Vector256<float> factor, ref Vector256<uint> largest) =>
        Vector256.ShiftLeft(Avx2.ConvertToVector256Int32((ushort*)from), Widen.BFloat16Shift).AsSingle();

    public static bool AreFinite(Vector256<uint> largest) => true;
}

/// <summary>Half precision. Subnormals are read as (1 + m/1024) · 2⁻¹⁴, less 2⁻¹⁴: for them that is less than what they would be as normal numbers, (1 + m/1024) · 2⁻¹⁵, and for all others it is no less.</summary>
internal readonly unsafe struct HalfForm : IStoredForm
{
    private const uint Sign = 0x8000_0000;
    private const uint Magnitude = 0x0FFF_E000; // of a code that was sign-extended, and then shifted to where a single has its mantissa
    private const uint Infinity = 0x0F80_0000;

    public static int Bytes => sizeof(ushort);

    public static bool IsExact => true;

    public static float Factor(float scale) => scale;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(byte* from, Vector256<float> factor, ref Vector256<uint> largest)
    {
        var code = Vector256.ShiftLeft(Avx2.ConvertToVector256Int32((short*)from), Widen.HalfShift).AsUInt32();
        var magnitude = code & Vector256.Create(Magnitude);
        largest = Vector256.Max(largest, magnitude);
        var normal = (magnitude + Vector256.Create(Widen.HalfRebias)).AsSingle();
        var subnormal = (magnitude + Vector256.Create(Widen.HalfSubnormalRebias)).AsSingle() - Vector256.Create(Widen.HalfSubnormalOffset);
        return Avx.Min(normal, subnormal) | (code & Vector256.Create(Sign)).AsSingle();
    }

    public static bool AreFinite(Vector256<uint> largest) => Vector256.LessThanAll(largest, Vector256.Create(Infinity));
}

/// <summary>e4m3 with a scale for each block: a code in a single's place has a value 2¹²⁰ times too small, also if it is a subnormal, and both factors become one.</summary>
internal readonly unsafe struct Fp8Form : IStoredForm
{
    private const uint SignAndMagnitude = 0x87F0_0000; // of a code that was sign-extended, and then shifted

    public static int Bytes => sizeof(byte);

    /// <summary>A thread may take subnormals for zeros: native libraries that are built for speed set it so.</summary>
    public static bool IsExact => Factor(Single(1u << Fp8E4M3.MagnitudeShift)) > 0;

    public static float Factor(float scale) => scale * (1u << 30) * (1u << 30) * (1u << 30) * (1u << 30);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(byte* from, Vector256<float> factor, ref Vector256<uint> largest)
    {
        var code = Vector256.ShiftLeft(Avx2.ConvertToVector256Int32((sbyte*)from), Fp8E4M3.MagnitudeShift).AsUInt32();
        largest = Vector256.Max(largest, code & Vector256.Create(Fp8E4M3.NaNMagnitude)); // all bits of a magnitude
        return (code & Vector256.Create(SignAndMagnitude)).AsSingle() * factor;
    }

    public static bool AreFinite(Vector256<uint> largest) => Vector256.LessThanAll(largest, Vector256.Create(Fp8E4M3.NaNMagnitude));

    // No constant for the compiler: it would compute with it, on the thread that needs the code first.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Single(uint bits) => BitConverter.UInt32BitsToSingle(bits);
}
