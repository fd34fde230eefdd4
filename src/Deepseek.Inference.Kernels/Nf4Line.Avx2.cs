using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 16 bytes a step to encode, 8 to decode.
internal static partial class Nf4Line
{
    private static void EncodeAvx2(ref float weights, float low, float high, ref byte line)
    {
        for (nuint i = 0; i < Block; i += 16)
        {
            var first = BytesAt(ref weights, i, low) | Vector256.ShiftLeft(BytesAt(ref weights, Block + i, high), 4);
            var second = BytesAt(ref weights, i + 8, low) | Vector256.ShiftLeft(BytesAt(ref weights, Block + i + 8, high), 4);
            var words = Vector256.Narrow(first, second); // in order: the portable form does not interleave lanes
            Vector128.Narrow(words.GetLower(), words.GetUpper()).AsByte().StoreUnsafe(ref line, i);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> BytesAt(ref float weights, nuint at, float inverse) => Nf4.CodesOf(Vector256.LoadUnsafe(ref weights, at) * inverse);
    }

    private static void DecodeAvx2(ref byte line, float lowScale, float highScale, ref float weights)
    {
        var (negative, positive) = (Vector256.Create(Nf4.Levels[..8]), Vector256.Create(Nf4.Levels[8..]));
        for (nuint i = 0; i < Block; i += 8)
        {
            var eight = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref line, i))).AsByte();
            var codes = Avx2.ConvertToVector256Int32(eight);
            (Nf4.LevelsOf(codes & Vector256.Create(0xF), negative, positive) * lowScale).StoreUnsafe(ref weights, i);
            (Nf4.LevelsOf(Vector256.ShiftRightLogical(codes, 4), negative, positive) * highScale).StoreUnsafe(ref weights, Block + i);
        }
    }
}
