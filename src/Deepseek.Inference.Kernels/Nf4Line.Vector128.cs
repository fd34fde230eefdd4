using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// 16 bytes a step.
internal static partial class Nf4Line
{
    private static void EncodeVector128(ref float weights, float low, float high, ref byte line)
    {
        for (var i = 0; i < Block; i += 16)
            (CodesAt(ref weights, i, low) | Vector128.ShiftLeft(CodesAt(ref weights, Block + i, high), 4)).StoreUnsafe(ref line, (nuint)i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> CodesAt(ref float weights, int at, float inverse)
    {
        var words = Vector128.Narrow(Nf4.CodesAt(ref weights, at, inverse), Nf4.CodesAt(ref weights, at + 4, inverse));
        var later = Vector128.Narrow(Nf4.CodesAt(ref weights, at + 8, inverse), Nf4.CodesAt(ref weights, at + 12, inverse));
        return Vector128.Narrow(words, later).AsByte();
    }
}
