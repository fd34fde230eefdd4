using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>The levels of NF4 as whole numbers, as vectors from which instructions look them up.</summary>
internal static class ProductTables
{
    /// <summary>Low bytes of 16-bit levels, for both halves of a vector.</summary>
    public static readonly Vector256<byte> WordLow = Twice(code => (byte)ProductShape.LevelsOf(ActivationPrecision.Int16)[code]);

    /// <summary>High bytes of 16-bit levels.</summary>
    public static readonly Vector256<byte> WordHigh = Twice(code => (byte)(ProductShape.LevelsOf(ActivationPrecision.Int16)[code] >> 8));

    /// <summary>16-bit levels.</summary>
    public static readonly Vector512<short> Words = Vector512.Create(Vector256.Create(ProductShape.LevelsOf(ActivationPrecision.Int16)), Vector256.Create(ProductShape.LevelsOf(ActivationPrecision.Int16)));

    /// <summary>8-bit levels.</summary>
    public static readonly Vector256<byte> Bytes = Twice(code => (byte)ProductShape.LevelsOf(ActivationPrecision.Int8)[code]);

    /// <summary>8-bit levels, <see cref="VnniCodes256.Offset"/> higher.</summary>
    public static readonly Vector256<byte> OffsetBytes = Twice(code => (byte)(ProductShape.LevelsOf(ActivationPrecision.Int8)[code] + VnniCodes256.Offset));

    private static Vector256<byte> Twice(Func<int, byte> value)
    {
        Span<byte> bytes = stackalloc byte[Vector256<byte>.Count];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = value(i % Nf4.Levels.Length);
        return Vector256.Create<byte>(bytes);
    }
}
