using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 16 elements a step.
public static partial class Fp8E4M3
{
    /// <summary>Decodes as many codes as fill whole steps; returns how many.</summary>
    internal static int DecodeAvx512(ref byte codes, int count, float scale, ref float destination)
    {
        const int Step = 16;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            var sixteen = Avx512F.ConvertToVector512UInt32(Vector128.LoadUnsafe(ref codes, (nuint)i));
            (DecodeBits(sixteen) * scale).StoreUnsafe(ref destination, (nuint)i);
        }

        return end;
    }

    /// <summary>Encodes as many values as fill whole steps; returns how many.</summary>
    internal static int EncodeAvx512(ref float values, int count, ref byte destination)
    {
        const int Step = 16;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            Avx512F.ConvertToVector128Byte(EncodeBits(Vector512.LoadUnsafe(ref values, (nuint)i))).StoreUnsafe(ref destination, (nuint)i);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> DecodeBits(Vector512<uint> code)
    {
        var magnitude = Vector512.ShiftLeft(code & Vector512.Create(Magnitude), MagnitudeShift);
        var subnormal = (magnitude + Vector512.Create(SubnormalRebias)).AsSingle() - Vector512.Create(SubnormalOffset);
        var isSubnormal = Vector512.LessThan(magnitude.AsInt32(), Vector512.Create((int)SmallestNormal)).AsUInt32();
        var bits = Vector512.ConditionalSelect(isSubnormal, subnormal.AsUInt32(), magnitude + Vector512.Create(Rebias));
        bits = Vector512.ConditionalSelect(Vector512.Equals(magnitude, Vector512.Create(NaNMagnitude)), Vector512.Create(SingleNaN), bits);
        return (bits | Vector512.ShiftLeft(code & Vector512.Create(Sign), SignShift)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> EncodeBits(Vector512<float> value)
    {
        var bits = value.AsUInt32();
        var magnitude = bits & Vector512.Create(SingleMagnitude);
        var subnormal = (magnitude.AsSingle() + Vector512.Create(SubnormalRounder)).AsUInt32() - Vector512.Create(SubnormalRounderBits);
        var odd = Vector512.ShiftRightLogical(magnitude, MagnitudeShift) & Vector512<uint>.One;
        var code = Vector512.ShiftRightLogical(magnitude + Vector512.Create(RoundBias) + odd, MagnitudeShift) - Vector512.Create(CodeRebias);

        // Without its sign a single's bits are in order as signed integers too.
        var order = magnitude.AsInt32();
        code = Vector512.ConditionalSelect(Vector512.LessThan(order, Vector512.Create((int)SmallestNormalBits)).AsUInt32(), subnormal, code);
        code = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(order, Vector512.Create((int)MaxBits)).AsUInt32(), Vector512.Create(MaxCode), code);
        code = Vector512.ConditionalSelect(Vector512.GreaterThan(order, Vector512.Create((int)SingleInfinity)).AsUInt32(), Vector512.Create(Magnitude), code);
        return code | Vector512.ShiftRightLogical(bits, SignShift) & Vector512.Create(Sign);
    }
}
