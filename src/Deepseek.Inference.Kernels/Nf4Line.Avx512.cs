using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 16 bytes a step: 16 weights of either block.
internal static partial class Nf4Line
{
    private static void EncodeAvx512(ref float weights, float low, float high, ref byte line)
    {
        for (nuint i = 0; i < Block; i += 16)
        {
            var first = Nf4.CodesOf(Vector512.LoadUnsafe(ref weights, i) * low);
            var second = Nf4.CodesOf(Vector512.LoadUnsafe(ref weights, Block + i) * high);
            Avx512F.ConvertToVector128Byte(first | Vector512.ShiftLeft(second, 4)).StoreUnsafe(ref line, i);
        }
    }

    private static void DecodeAvx512(ref byte line, float lowScale, float highScale, ref float weights)
    {
        var levels = Vector512.Create(Nf4.Levels);
        for (nuint i = 0; i < Block; i += 16)
        {
            var codes = Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref line, i)); // the permutation reads the low four bits
            (Avx512F.PermuteVar16x32(levels, codes) * lowScale).StoreUnsafe(ref weights, i);
            (Avx512F.PermuteVar16x32(levels, Vector512.ShiftRightLogical(codes, 4)) * highScale).StoreUnsafe(ref weights, Block + i);
        }
    }
}
