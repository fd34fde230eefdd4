using Tile128 = Deepseek.Inference.Kernels.AttentionTile<Deepseek.Inference.Kernels.Lanes128, System.Runtime.Intrinsics.Vector128<float>, System.Runtime.Intrinsics.Vector128<int>, System.Runtime.Intrinsics.Vector128<short>>;
using Tile256 = Deepseek.Inference.Kernels.AttentionTile<Deepseek.Inference.Kernels.Lanes256, System.Runtime.Intrinsics.Vector256<float>, System.Runtime.Intrinsics.Vector256<int>, System.Runtime.Intrinsics.Vector256<short>>;
using Tile512 = Deepseek.Inference.Kernels.AttentionTile<Deepseek.Inference.Kernels.Lanes512, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<short>>;

namespace Deepseek.Inference.Kernels;

/// <summary>The tile of an instruction set.</summary>
internal static unsafe class AttentionKernels
{
    /// <summary>See <see cref="AttentionTile{TLanes, TSingle, TInt32, TInt16}.Split"/>.</summary>
    public static void Split(KernelPath path, in AttentionCall call, in AttentionScratch scratch, int block, int split, in PartialResults results)
    {
        // Where a row is a lane, few rows do not fill vectors of 512 bits.
        if (path >= KernelPath.Avx512 && !(call.InCodes && call.BlockRows <= AttentionCall.CodeRows))
            Tile512.Split(call, scratch, block, split, results);
        else if (path >= KernelPath.Avx2)
            Tile256.Split(call, scratch, block, split, results);
        else
            Tile128.Split(call, scratch, block, split, results);
    }

    /// <summary>See <see cref="AttentionTile{TLanes, TSingle, TInt32, TInt16}.Merge"/>.</summary>
    public static void Merge(KernelPath path, ref PartialResult row, PartialResult* next, int count, int width)
    {
        if (path >= KernelPath.Avx512)
            Tile512.Merge(ref row, next, count, width);
        else if (path == KernelPath.Avx2)
            Tile256.Merge(ref row, next, count, width);
        else
            Tile128.Merge(ref row, next, count, width);
    }

    /// <summary>See <see cref="AttentionTile{TLanes, TSingle, TInt32, TInt16}.Finish"/>.</summary>
    public static void Finish(KernelPath path, float* output, float sum, float* destination, int width)
    {
        if (path >= KernelPath.Avx512)
            Tile512.Finish(output, sum, destination, width);
        else if (path == KernelPath.Avx2)
            Tile256.Finish(output, sum, destination, width);
        else
            Tile128.Finish(output, sum, destination, width);
    }
}
