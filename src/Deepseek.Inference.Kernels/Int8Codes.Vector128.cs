using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// 16 codes a step, in operations that NEON and SSE both have.
internal static partial class Int8Codes
{
    /// <summary>Encodes as many weights as fill whole steps; returns how many.</summary>
    private static int EncodeVector128(ref float weights, int count, float scale, ref sbyte codes)
    {
        const int Step = 16;
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var words = Vector128.Narrow(CodesVector128(ref weights, (nuint)i, scale), CodesVector128(ref weights, (nuint)i + 4, scale));
            var later = Vector128.Narrow(CodesVector128(ref weights, (nuint)i + 8, scale), CodesVector128(ref weights, (nuint)i + 12, scale));
            Vector128.Narrow(words, later).StoreUnsafe(ref codes, (nuint)i);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> CodesVector128(ref float weights, nuint at, float scale)
    {
        var largest = Vector128.Create((float)Largest);
        var quotient = Vector128.LoadUnsafe(ref weights, at) / Vector128.Create(scale);
        return Vector128.ConvertToInt32Native(Vector128.Round(Vector128.MinNative(Vector128.MaxNative(quotient, -largest), largest)));
    }

    /// <summary>Decodes as many codes as fill whole steps; returns how many.</summary>
    private static int DecodeVector128(ref sbyte codes, int count, float scale, ref float weights)
    {
        const int Step = 16;
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var (low, high) = Vector128.Widen(Vector128.LoadUnsafe(ref codes, (nuint)i));
            var (first, second) = Vector128.Widen(low);
            var (third, fourth) = Vector128.Widen(high);
            (Vector128.ConvertToSingle(first) * scale).StoreUnsafe(ref weights, (nuint)i);
            (Vector128.ConvertToSingle(second) * scale).StoreUnsafe(ref weights, (nuint)i + 4);
            (Vector128.ConvertToSingle(third) * scale).StoreUnsafe(ref weights, (nuint)i + 8);
            (Vector128.ConvertToSingle(fourth) * scale).StoreUnsafe(ref weights, (nuint)i + 12);
        }

        return end;
    }
}
