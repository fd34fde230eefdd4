using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// 16 elements a step, in operations that NEON and SSE both have.
public static partial class Fp8E4M3
{
    /// <summary>Decodes as many codes as fill whole steps; returns how many.</summary>
    internal static int DecodeVector128(ref byte codes, int count, float scale, ref float destination)
    {
        const int Step = 16;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            var (low, high) = Vector128.Widen(Vector128.LoadUnsafe(ref codes, (nuint)i));
            var (first, second) = Vector128.Widen(low);
            var (third, fourth) = Vector128.Widen(high);
            (DecodeBits(first) * scale).StoreUnsafe(ref destination, (nuint)i);
            (DecodeBits(second) * scale).StoreUnsafe(ref destination, (nuint)i + 4);
            (DecodeBits(third) * scale).StoreUnsafe(ref destination, (nuint)i + 8);
            (DecodeBits(fourth) * scale).StoreUnsafe(ref destination, (nuint)i + 12);
        }

        return end;
    }

    /// <summary>Encodes as many values as fill whole steps; returns how many.</summary>
    internal static int EncodeVector128(ref float values, int count, ref byte destination)
    {
        const int Step = 16;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            var low = Vector128.Narrow(EncodeBits(Vector128.LoadUnsafe(ref values, (nuint)i)), EncodeBits(Vector128.LoadUnsafe(ref values, (nuint)i + 4)));
            var high = Vector128.Narrow(EncodeBits(Vector128.LoadUnsafe(ref values, (nuint)i + 8)), EncodeBits(Vector128.LoadUnsafe(ref values, (nuint)i + 12)));
            Vector128.Narrow(low, high).StoreUnsafe(ref destination, (nuint)i);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> DecodeBits(Vector128<uint> code)
    {
        var magnitude = Vector128.ShiftLeft(code & Vector128.Create(Magnitude), MagnitudeShift);
        var subnormal = (magnitude + Vector128.Create(SubnormalRebias)).AsSingle() - Vector128.Create(SubnormalOffset);
        var isSubnormal = Vector128.LessThan(magnitude.AsInt32(), Vector128.Create((int)SmallestNormal)).AsUInt32();
        var bits = Vector128.ConditionalSelect(isSubnormal, subnormal.AsUInt32(), magnitude + Vector128.Create(Rebias));
        bits = Vector128.ConditionalSelect(Vector128.Equals(magnitude, Vector128.Create(NaNMagnitude)), Vector128.Create(SingleNaN), bits);
        return (bits | Vector128.ShiftLeft(code & Vector128.Create(Sign), SignShift)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> EncodeBits(Vector128<float> value)
    {
        var bits = value.AsUInt32();
        var magnitude = bits & Vector128.Create(SingleMagnitude);
        var subnormal = (magnitude.AsSingle() + Vector128.Create(SubnormalRounder)).AsUInt32() - Vector128.Create(SubnormalRounderBits);
        var odd = Vector128.ShiftRightLogical(magnitude, MagnitudeShift) & Vector128<uint>.One;
        var code = Vector128.ShiftRightLogical(magnitude + Vector128.Create(RoundBias) + odd, MagnitudeShift) - Vector128.Create(CodeRebias);

        // Without its sign a single's bits are in order as signed integers too.
        var order = magnitude.AsInt32();
        code = Vector128.ConditionalSelect(Vector128.LessThan(order, Vector128.Create((int)SmallestNormalBits)).AsUInt32(), subnormal, code);
        code = Vector128.ConditionalSelect(Vector128.GreaterThanOrEqual(order, Vector128.Create((int)MaxBits)).AsUInt32(), Vector128.Create(MaxCode), code);
        code = Vector128.ConditionalSelect(Vector128.GreaterThan(order, Vector128.Create((int)SingleInfinity)).AsUInt32(), Vector128.Create(Magnitude), code);
        return code | Vector128.ShiftRightLogical(bits, SignShift) & Vector128.Create(Sign);
    }
}
