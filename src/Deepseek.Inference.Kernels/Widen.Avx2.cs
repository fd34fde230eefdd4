using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 8 elements a step.
public static partial class Widen
{
    internal static int FromAvx2(Format format, ref ushort codes, int count, ref float destination)
    {
        const int Step = 8;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            var wide = Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref codes, (nuint)i)).AsUInt32();
            (format == Format.Half ? HalfBits(wide) : Vector256.ShiftLeft(wide, BFloat16Shift)).AsSingle().StoreUnsafe(ref destination, (nuint)i);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> HalfBits(Vector256<uint> code)
    {
        var magnitude = Vector256.ShiftLeft(code & Vector256.Create(HalfMagnitude), HalfShift);
        var order = magnitude.AsInt32();
        var bits = magnitude + Vector256.Create(HalfRebias);
        var subnormal = (magnitude + Vector256.Create(HalfSubnormalRebias)).AsSingle() - Vector256.Create(HalfSubnormalOffset);
        bits = Vector256.ConditionalSelect(Vector256.LessThan(order, Vector256.Create((int)HalfSmallestNormal)).AsUInt32(), subnormal.AsUInt32(), bits);
        bits = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(order, Vector256.Create((int)HalfInfinity)).AsUInt32(), magnitude | Vector256.Create(SingleInfinity), bits);
        bits |= Vector256.GreaterThan(order, Vector256.Create((int)HalfInfinity)).AsUInt32() & Vector256.Create(SingleQuiet);
        return bits | Vector256.ShiftLeft(code & Vector256.Create(HalfSign), HalfSignShift);
    }
}
