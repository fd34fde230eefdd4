using System.Globalization;
using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Widens 16-bit floats to single precision; every value is exact.</summary>
/// <remarks>Every path returns the bits of the base class library's conversions; a NaN keeps its payload and comes out quiet from half precision.</remarks>
public static partial class Widen
{
    internal const int BFloat16Shift = 16;
    private const uint HalfMagnitude = 0x7FFF;
    private const uint HalfSign = 0x8000;
    internal const int HalfShift = 13;
    private const int HalfSignShift = 16;
    private const uint HalfSmallestNormal = 0x0400 << HalfShift;
    private const uint HalfInfinity = 0x7C00 << HalfShift;

    // Exponent biases are 127 and 15; subnormals as in Fp8E4M3: read as (1 + m/1024) · 2^-14, less 2^-14.
    internal const uint HalfRebias = (127 - 15) << 23;
    internal const uint HalfSubnormalRebias = (127 - 14) << 23;
    internal const float HalfSubnormalOffset = 1f / 16384;
    private const uint SingleInfinity = 0x7F800000;
    private const uint SingleQuiet = 0x00400000;

    internal enum Format
    {
        BFloat16,
        Half,
    }

    /// <summary>Widens bfloat16: the upper half of a single.</summary>
    /// <param name="codes">The bits of the values, [n].</param>
    /// <param name="destination">Receives n values.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void FromBFloat16(ReadOnlySpan<ushort> codes, Span<float> destination)
    {
        RequireEqual(nameof(destination), destination.Length, codes.Length);
        From(Format.BFloat16, KernelPaths.Selected, codes, destination);
    }

    /// <summary>Widens half precision.</summary>
    /// <param name="values">The values, [n].</param>
    /// <param name="destination">Receives n values.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void FromHalf(ReadOnlySpan<Half> values, Span<float> destination)
    {
        RequireEqual(nameof(destination), destination.Length, values.Length);
        From(Format.Half, KernelPaths.Selected, MemoryMarshal.Cast<Half, ushort>(values), destination);
    }

    internal static void From(Format format, KernelPath path, ReadOnlySpan<ushort> codes, Span<float> destination)
    {
        ref var from = ref MemoryMarshal.GetReference(codes);
        ref var to = ref MemoryMarshal.GetReference(destination);
        var done = path switch
        {
            >= KernelPath.Avx512 => FromAvx512(format, ref from, codes.Length, ref to),
            KernelPath.Avx2 => FromAvx2(format, ref from, codes.Length, ref to),
            KernelPath.Vector128 => FromVector128(format, ref from, codes.Length, ref to),
            _ => 0,
        };
        for (var i = done; i < codes.Length; i++)
        {
            destination[i] = format == Format.Half
                ? (float)BitConverter.UInt16BitsToHalf(codes[i])
                : BitConverter.UInt32BitsToSingle((uint)codes[i] << BFloat16Shift);
        }
    }

    private static void RequireEqual(string name, int length, int expected)
    {
        if (length != expected)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"{name} has {length} elements; it must have {expected}, one for each value."), name);
        }
    }
}
