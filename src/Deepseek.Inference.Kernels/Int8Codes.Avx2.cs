using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 16 codes a step to encode, 8 to decode.
internal static partial class Int8Codes
{
    /// <summary>Encodes as many weights as fill whole steps; returns how many.</summary>
    private static int EncodeAvx2(ref float weights, int count, float scale, ref sbyte codes)
    {
        const int Step = 16;
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var words = Vector256.Narrow(CodesAvx2(ref weights, (nuint)i, scale), CodesAvx2(ref weights, (nuint)i + 8, scale));
            Vector128.Narrow(words.GetLower(), words.GetUpper()).StoreUnsafe(ref codes, (nuint)i);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> CodesAvx2(ref float weights, nuint at, float scale)
    {
        var largest = Vector256.Create((float)Largest);
        var quotient = Vector256.LoadUnsafe(ref weights, at) / Vector256.Create(scale);
        return Avx.ConvertToVector256Int32(Vector256.MinNative(Vector256.MaxNative(quotient, -largest), largest)); // to nearest, ties to even
    }

    /// <summary>Decodes as many codes as fill whole steps; returns how many.</summary>
    private static int DecodeAvx2(ref sbyte codes, int count, float scale, ref float weights)
    {
        const int Step = 8;
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var eight = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<sbyte, byte>(ref Unsafe.Add(ref codes, i)))).AsSByte();
            (Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(eight)) * scale).StoreUnsafe(ref weights, (nuint)i);
        }

        return end;
    }
}
