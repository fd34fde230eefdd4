using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 16 elements a step.
public static partial class Widen
{
    internal static int FromAvx512(Format format, ref ushort codes, int count, ref float destination)
    {
        const int Step = 16;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            var wide = Avx512F.ConvertToVector512UInt32(Vector256.LoadUnsafe(ref codes, (nuint)i));
            (format == Format.Half ? HalfBits(wide) : Vector512.ShiftLeft(wide, BFloat16Shift)).AsSingle().StoreUnsafe(ref destination, (nuint)i);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> HalfBits(Vector512<uint> code)
    {
        var magnitude = Vector512.ShiftLeft(code & Vector512.Create(HalfMagnitude), HalfShift);
        var order = magnitude.AsInt32();
        var bits = magnitude + Vector512.Create(HalfRebias);
        var subnormal = (magnitude + Vector512.Create(HalfSubnormalRebias)).AsSingle() - Vector512.Create(HalfSubnormalOffset);
        bits = Vector512.ConditionalSelect(Vector512.LessThan(order, Vector512.Create((int)HalfSmallestNormal)).AsUInt32(), subnormal.AsUInt32(), bits);
        bits = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(order, Vector512.Create((int)HalfInfinity)).AsUInt32(), magnitude | Vector512.Create(SingleInfinity), bits);
        bits |= Vector512.GreaterThan(order, Vector512.Create((int)HalfInfinity)).AsUInt32() & Vector512.Create(SingleQuiet);
        return bits | Vector512.ShiftLeft(code & Vector512.Create(HalfSign), HalfSignShift);
    }
}
