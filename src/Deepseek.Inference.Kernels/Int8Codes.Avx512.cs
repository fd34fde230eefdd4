using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 16 codes a step.
internal static partial class Int8Codes
{
    /// <summary>Encodes as many weights as fill whole steps; returns how many.</summary>
    private static int EncodeAvx512(ref float weights, int count, float scale, ref sbyte codes)
    {
        const int Step = 16;
        var (divisor, largest) = (Vector512.Create(scale), Vector512.Create((float)Largest));
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var quotient = Vector512.MinNative(Vector512.MaxNative(Vector512.LoadUnsafe(ref weights, (nuint)i) / divisor, -largest), largest);
            Avx512F.ConvertToVector128SByte(Avx512F.ConvertToVector512Int32(quotient)).StoreUnsafe(ref codes, (nuint)i); // to nearest, ties to even
        }

        return end;
    }

    /// <summary>Decodes as many codes as fill whole steps; returns how many.</summary>
    private static int DecodeAvx512(ref sbyte codes, int count, float scale, ref float weights)
    {
        const int Step = 16;
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var sixteen = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref codes, (nuint)i));
            (Vector512.ConvertToSingle(sixteen) * scale).StoreUnsafe(ref weights, (nuint)i);
        }

        return end;
    }
}
