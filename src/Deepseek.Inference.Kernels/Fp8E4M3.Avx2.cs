using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 8 elements a step to decode, 32 to encode.
public static partial class Fp8E4M3
{
    /// <summary>Decodes as many codes as fill whole steps; returns how many.</summary>
    internal static int DecodeAvx2(ref byte codes, int count, float scale, ref float destination)
    {
        const int Step = 8;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            var eight = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref codes, i))).AsByte();
            (DecodeBits(Avx2.ConvertToVector256Int32(eight).AsUInt32()) * scale).StoreUnsafe(ref destination, (nuint)i);
        }

        return end;
    }

    /// <summary>Encodes as many values as fill whole steps; returns how many.</summary>
    internal static int EncodeAvx2(ref float values, int count, ref byte destination)
    {
        const int Step = 32;
        var end = count - count % Step;
        for (var i = 0; i < end; i += Step)
        {
            var low = Vector256.Narrow(EncodeBits(Vector256.LoadUnsafe(ref values, (nuint)i)), EncodeBits(Vector256.LoadUnsafe(ref values, (nuint)i + 8)));
            var high = Vector256.Narrow(EncodeBits(Vector256.LoadUnsafe(ref values, (nuint)i + 16)), EncodeBits(Vector256.LoadUnsafe(ref values, (nuint)i + 24)));
            Vector256.Narrow(low, high).StoreUnsafe(ref destination, (nuint)i);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> DecodeBits(Vector256<uint> code)
    {
        var magnitude = Vector256.ShiftLeft(code & Vector256.Create(Magnitude), MagnitudeShift);
        var subnormal = (magnitude + Vector256.Create(SubnormalRebias)).AsSingle() - Vector256.Create(SubnormalOffset);
        var isSubnormal = Vector256.LessThan(magnitude.AsInt32(), Vector256.Create((int)SmallestNormal)).AsUInt32();
        var bits = Vector256.ConditionalSelect(isSubnormal, subnormal.AsUInt32(), magnitude + Vector256.Create(Rebias));
        bits = Vector256.ConditionalSelect(Vector256.Equals(magnitude, Vector256.Create(NaNMagnitude)), Vector256.Create(SingleNaN), bits);
        return (bits | Vector256.ShiftLeft(code & Vector256.Create(Sign), SignShift)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> EncodeBits(Vector256<float> value)
    {
        var bits = value.AsUInt32();
        var magnitude = bits & Vector256.Create(SingleMagnitude);
        var subnormal = (magnitude.AsSingle() + Vector256.Create(SubnormalRounder)).AsUInt32() - Vector256.Create(SubnormalRounderBits);
        var odd = Vector256.ShiftRightLogical(magnitude, MagnitudeShift) & Vector256<uint>.One;
        var code = Vector256.ShiftRightLogical(magnitude + Vector256.Create(RoundBias) + odd, MagnitudeShift) - Vector256.Create(CodeRebias);

        // Without its sign a single's bits are in order as signed integers too.
        var order = magnitude.AsInt32();
        code = Vector256.ConditionalSelect(Vector256.LessThan(order, Vector256.Create((int)SmallestNormalBits)).AsUInt32(), subnormal, code);
        code = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(order, Vector256.Create((int)MaxBits)).AsUInt32(), Vector256.Create(MaxCode), code);
        code = Vector256.ConditionalSelect(Vector256.GreaterThan(order, Vector256.Create((int)SingleInfinity)).AsUInt32(), Vector256.Create(Magnitude), code);
        return code | Vector256.ShiftRightLogical(bits, SignShift) & Vector256.Create(Sign);
    }
}
