namespace Deepseek.Inference.Kernels;

// The definition. Every other path must equal it bit for bit.
public static partial class Fp8E4M3
{
    // Bits of a code and of the single that it becomes: the magnitude moves up by 20 bits, the sign by 24.
    private const uint Magnitude = 0x7F;
    private const uint Sign = 0x80;
    internal const int MagnitudeShift = 20;
    private const int SignShift = 24;
    internal const uint NaNMagnitude = Magnitude << MagnitudeShift;
    private const uint SmallestNormal = 8u << MagnitudeShift;

    // Exponent biases are 127 and 7.
    private const uint Rebias = (127 - 7) << 23;

    // A subnormal m is worth m/8 · 2^-6. With the exponent of 2^-6 it reads as (1 + m/8) · 2^-6, and 2^-6 is taken off again:
    // exact, and free of fp32 subnormals, which a thread may have been told to flush.
    private const uint SubnormalRebias = (127 - 6) << 23;
    private const float SubnormalOffset = 1f / 64;

    private const uint SingleNaN = 0x7FC00000;

    private const uint SingleMagnitude = 0x7FFFFFFF;
    private const uint SingleInfinity = 0x7F800000;
    private const uint MaxBits = 0x43E00000; // 448
    private const uint MaxCode = 0x7E;
    private const uint SmallestNormalBits = 0x3C800000; // 2^-6

    // Half a unit of the last place that stays, less one: what is exactly half goes up only from an odd place.
    private const uint RoundBias = (1u << (MagnitudeShift - 1)) - 1;
    private const uint CodeRebias = Rebias >> MagnitudeShift;

    // 2^14 has a last place of 2^-9, the smallest subnormal: adding it rounds a smaller number to such, ties to even.
    private const float SubnormalRounder = 16384f;
    private const uint SubnormalRounderBits = 0x46800000;

    internal static void DecodeScalar(ReadOnlySpan<byte> codes, float scale, Span<float> destination)
    {
        for (var i = 0; i < codes.Length; i++)
            destination[i] = DecodeScalar(codes[i]) * scale;
    }

    internal static float DecodeScalar(byte code)
    {
        var magnitude = (code & Magnitude) << MagnitudeShift;
        var bits = magnitude switch
        {
            NaNMagnitude => SingleNaN,
            < SmallestNormal => BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(magnitude + SubnormalRebias) - SubnormalOffset),
            _ => magnitude + Rebias,
        };
        return BitConverter.UInt32BitsToSingle(bits | (code & Sign) << SignShift);
    }

    internal static void EncodeScalar(ReadOnlySpan<float> values, Span<byte> destination)
    {
        for (var i = 0; i < values.Length; i++)
            destination[i] = EncodeScalar(values[i]);
    }

    internal static byte EncodeScalar(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        var magnitude = bits & SingleMagnitude;
        var code = magnitude switch
        {
            > SingleInfinity => Magnitude,
            >= MaxBits => MaxCode,
            < SmallestNormalBits => BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(magnitude) + SubnormalRounder) - SubnormalRounderBits,
            _ => (magnitude + RoundBias + (magnitude >> MagnitudeShift & 1) >> MagnitudeShift) - CodeRebias,
        };
        return (byte)(code | bits >> SignShift & Sign);
    }
}
