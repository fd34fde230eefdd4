using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 16 weights a step, 8 bytes of codes.
public static partial class Nf4
{
    /// <summary>Encodes as many weights as fill whole steps; returns how many.</summary>
    internal static int EncodeAvx512(ref float values, int count, float inverse, ref byte codes)
    {
        const int Step = 16;
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var code = CodesOf(Vector512.LoadUnsafe(ref values, (nuint)i) * inverse);
            Pack(Avx512F.ConvertToVector128Byte(code), ref codes, i / 2);
        }

        return end;
    }

    /// <summary>Decodes as many weights as fill whole steps; returns how many.</summary>
    internal static int DecodeAvx512(ref byte codes, int count, float scale, ref float destination)
    {
        const int Step = 16;
        var levels = Vector512.Create(Levels);
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var code = Avx512F.ConvertToVector512Int32(Unpack(ref codes, i / 2));
            (Avx512F.PermuteVar16x32(levels, code) * scale).StoreUnsafe(ref destination, (nuint)i);
        }

        return end;
    }

    /// <summary>How many thresholds each value lies above.</summary>
    /// <remarks>
    /// No two thresholds lie in the same of 32 equal parts of [−1, 1], and none within 10⁻³ of a border, where rounding could decide: the part gives the thresholds below it and
    /// the one to compare with.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<int> CodesOf(Vector512<float> normalised)
    {
        var part = Avx512F.ConvertToVector512Int32WithTruncation((normalised * 16f) + Vector512.Create(16f));
        part = Avx512F.Max(Avx512F.Min(part, Vector512.Create(31)), Vector512<int>.Zero); // NaN converts to the least number
        var below = Avx512F.PermuteVar16x32x2(Vector512.Create(BelowPart, 0), part, Vector512.Create(BelowPart, 16));
        var threshold = Avx512F.PermuteVar16x32x2(Vector512.Create(InPart, 0), part, Vector512.Create(InPart, 16));
        return below - Vector512.GreaterThan(normalised, threshold).AsInt32(); // a comparison that holds is −1
    }

    /// <summary>Sixteen codes, one a byte, to eight bytes, the earlier of two in the high nibble.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Pack(Vector128<byte> code, ref byte codes, int at)
    {
        var pairs = code.AsUInt16(); // the earlier code in the low byte
        var packed = Vector128.ShiftLeft(pairs, 4) | Vector128.ShiftRightLogical(pairs, 8);
        var bytes = Vector128.Narrow(packed & Vector128.Create((ushort)0xFF), Vector128<ushort>.Zero);
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref codes, at), bytes.AsUInt64().ToScalar());
    }

    /// <summary>Eight bytes to sixteen codes, one a byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<byte> Unpack(ref byte codes, int at)
    {
        var bytes = Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref codes, at))).AsByte();
        var pairs = Vector128.WidenLower(bytes);
        return (Vector128.ShiftRightLogical(pairs, 4) | (Vector128.ShiftLeft(pairs, 8) & Vector128.Create((ushort)0x0F00))).AsByte();
    }
}
