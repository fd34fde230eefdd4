using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// 8 elements a step.
public static partial class Widen
{
    internal static int FromVector128(Format format, ref ushort codes, int count, ref float destination)
    {
        const int Step = 8;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            var (low, high) = Vector128.Widen(Vector128.LoadUnsafe(ref codes, (nuint)i));
            (format == Format.Half ? HalfBits(low) : Vector128.ShiftLeft(low, BFloat16Shift)).AsSingle().StoreUnsafe(ref destination, (nuint)i);
            (format == Format.Half ? HalfBits(high) : Vector128.ShiftLeft(high, BFloat16Shift)).AsSingle().StoreUnsafe(ref destination, (nuint)i + 4);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> HalfBits(Vector128<uint> code)
    {
        var magnitude = Vector128.ShiftLeft(code & Vector128.Create(HalfMagnitude), HalfShift);
        var order = magnitude.AsInt32();
        var bits = magnitude + Vector128.Create(HalfRebias);
        var subnormal = (magnitude + Vector128.Create(HalfSubnormalRebias)).AsSingle() - Vector128.Create(HalfSubnormalOffset);
        bits = Vector128.ConditionalSelect(Vector128.LessThan(order, Vector128.Create((int)HalfSmallestNormal)).AsUInt32(), subnormal.AsUInt32(), bits);
        bits = Vector128.ConditionalSelect(Vector128.GreaterThanOrEqual(order, Vector128.Create((int)HalfInfinity)).AsUInt32(), magnitude | Vector128.Create(SingleInfinity), bits);
        bits |= Vector128.GreaterThan(order, Vector128.Create((int)HalfInfinity)).AsUInt32() & Vector128.Create(SingleQuiet);
        return bits | Vector128.ShiftLeft(code & Vector128.Create(HalfSign), HalfSignShift);
    }
}
