using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Narrows single precision to 16-bit floats: to the nearest value, ties to even; beyond the largest, infinity. A NaN keeps its upper bits and comes out quiet.</summary>
/// <remarks>Half precision equals the base class library's conversion bit for bit. One vector form serves all instruction sets: memory is the limit.</remarks>
internal static class Narrow
{
    private const int Step = 8;
    private const uint Magnitude = 0x7FFFFFFF;
    private const uint Infinity = 0x7F800000;

    private const int BFloat16Shift = 16;
    private const uint BFloat16Quiet = 0x0040;

    private const int HalfShift = 13;
    private const int SignShift = 16;
    private const uint HalfSign = 0x8000;
    private const uint HalfInfinity = 0x7C00;
    private const uint HalfQuiet = 0x0200;
    private const uint HalfPayload = 0x03FF;
    private const uint HalfSmallestNormal = 0x38800000; // 2^-14
    private const uint HalfOverflow = 0x477FF000; // 65520: half a unit above the largest

    // Exponent biases are 127 and 15; rounding as in Fp8E4M3.
    private const uint HalfRebias = (127 - 15) << (23 - HalfShift);

    // 1/2 has a last place of 2^-24, the smallest subnormal: adding it rounds a smaller number to such, ties to even.
    private const float SubnormalRounder = 0.5f;
    private const uint SubnormalRounderBits = 0x3F000000;

    /// <summary>Narrows to bfloat16.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="values">The values, [n].</param>
    /// <param name="destination">Receives the bits of n values.</param>
    public static void ToBFloat16(KernelPath path, ReadOnlySpan<float> values, Span<ushort> destination)
    {
        Lengths.Require(nameof(destination), destination.Length, values.Length);
        ref var from = ref Unsafe.As<float, uint>(ref MemoryMarshal.GetReference(values));
        ref var to = ref MemoryMarshal.GetReference(destination);
        var end = path == KernelPath.Scalar ? 0 : values.Length - (values.Length % Step);
        for (nuint i = 0; i < (nuint)end; i += Step)
            Vector128.Narrow(BFloat16Bits(Vector128.LoadUnsafe(ref from, i)), BFloat16Bits(Vector128.LoadUnsafe(ref from, i + 4))).StoreUnsafe(ref to, i);
        for (var i = end; i < values.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(values[i]);
            destination[i] = (ushort)(float.IsNaN(values[i])
                ? bits >> BFloat16Shift | BFloat16Quiet
                : bits + 0x7FFF + (bits >> BFloat16Shift & 1) >> BFloat16Shift);
        }
    }

    /// <summary>Narrows to half precision.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="values">The values, [n].</param>
    /// <param name="destination">Receives the bits of n values.</param>
    public static void ToHalf(KernelPath path, ReadOnlySpan<float> values, Span<ushort> destination)
    {
        Lengths.Require(nameof(destination), destination.Length, values.Length);
        ref var from = ref Unsafe.As<float, uint>(ref MemoryMarshal.GetReference(values));
        ref var to = ref MemoryMarshal.GetReference(destination);
        var end = path == KernelPath.Scalar ? 0 : values.Length - (values.Length % Step);
        for (nuint i = 0; i < (nuint)end; i += Step)
            Vector128.Narrow(HalfBits(Vector128.LoadUnsafe(ref from, i)), HalfBits(Vector128.LoadUnsafe(ref from, i + 4))).StoreUnsafe(ref to, i);
        for (var i = end; i < values.Length; i++)
            destination[i] = BitConverter.HalfToUInt16Bits((Half)values[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> BFloat16Bits(Vector128<uint> bits)
    {
        var upper = Vector128.ShiftRightLogical(bits, BFloat16Shift);
        var rounded = Vector128.ShiftRightLogical(bits + Vector128.Create(0x7FFFu) + (upper & Vector128<uint>.One), BFloat16Shift);
        return Vector128.ConditionalSelect(IsNaN(bits & Vector128.Create(Magnitude)), upper | Vector128.Create(BFloat16Quiet), rounded);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> HalfBits(Vector128<uint> bits)
    {
        var magnitude = bits & Vector128.Create(Magnitude);
        var order = magnitude.AsInt32(); // without its sign a single's bits are in order as signed integers too
        var upper = Vector128.ShiftRightLogical(magnitude, HalfShift);
        var subnormal = (magnitude.AsSingle() + Vector128.Create(SubnormalRounder)).AsUInt32() - Vector128.Create(SubnormalRounderBits);
        var code = Vector128.ShiftRightLogical(magnitude + Vector128.Create(0x0FFFu) + (upper & Vector128<uint>.One), HalfShift) - Vector128.Create(HalfRebias);
        code = Vector128.ConditionalSelect(Vector128.LessThan(order, Vector128.Create((int)HalfSmallestNormal)).AsUInt32(), subnormal, code);
        code = Vector128.ConditionalSelect(Vector128.GreaterThanOrEqual(order, Vector128.Create((int)HalfOverflow)).AsUInt32(), Vector128.Create(HalfInfinity), code);
        var quiet = upper & Vector128.Create(HalfPayload) | Vector128.Create(HalfInfinity | HalfQuiet);
        code = Vector128.ConditionalSelect(IsNaN(magnitude), quiet, code);
        return code | Vector128.ShiftRightLogical(bits, SignShift) & Vector128.Create(HalfSign);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> IsNaN(Vector128<uint> magnitude) => Vector128.GreaterThan(magnitude.AsInt32(), Vector128.Create((int)Infinity)).AsUInt32();
}
