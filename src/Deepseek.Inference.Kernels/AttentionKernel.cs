using Tile128 = Deepseek.Inference.Kernels.AttentionTile<Deepseek.Inference.Kernels.Lanes128, System.Runtime.Intrinsics.Vector128<float>, System.Runtime.Intrinsics.Vector128<int>, System.Runtime.Intrinsics.Vector128<short>>;
using Tile256 = Deepseek.Inference.Kernels.AttentionTile<Deepseek.Inference.Kernels.Lanes256, System.Runtime.Intrinsics.Vector256<float>, System.Runtime.Intrinsics.Vector256<int>, System.Runtime.Intrinsics.Vector256<short>>;
using Tile512 = Deepseek.Inference.Kernels.AttentionTile<Deepseek.Inference.Kernels.Lanes512, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<short>>;

namespace Deepseek.Inference.Kernels;

/// <summary>Attention with vectors of one width. Every width returns the bits of <see cref="ScalarAttention"/>.</summary>
internal abstract unsafe class AttentionKernel
{
    private static readonly Tile128 Narrow = new();
    private static readonly Tile256 Middle = new();
    private static readonly Tile512 Wide = new();

    /// <summary>That of an instruction set.</summary>
    public static AttentionKernel Of(KernelPath path) => path >= KernelPath.Avx512 ? Wide : path >= KernelPath.Avx2 ? Middle : Narrow;

    /// <summary>That of an instruction set for a call. Where a row is a lane, few rows do not fill vectors of 512 bits.</summary>
    public static AttentionKernel Of(KernelPath path, in AttentionCall call) => path >= KernelPath.Avx512 && call.InCodes && call.BlockRows <= AttentionCall.CodeRows ? Middle : Of(path);

    /// <summary>The partial result of a block over a split. Rows that see nothing of it are left undefined.</summary>
    /// <param name="call">The call.</param>
    /// <param name="scratch">The worker's memory.</param>
    /// <param name="block">The block.</param>
    /// <param name="split">The split.</param>
    /// <param name="results">Receives the block's.</param>
    public abstract void Split(in AttentionCall call, in AttentionScratch scratch, int block, int split, in PartialResults results);

    /// <summary>The scores of a block's rows at a group of a split's positions.</summary>
    /// <param name="call">The call.</param>
    /// <param name="scratch">The worker's memory.</param>
    /// <param name="piece">Receives them; it says what rows see.</param>
    /// <param name="block">The block.</param>
    /// <param name="split">The split.</param>
    /// <param name="position">The group's first position, relative to the split's.</param>
    /// <param name="to">The end of what any row sees of the split.</param>
    public abstract void Score(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int block, int split, int position, int to);

    /// <summary>Turns the scores of a split into exp(score − largest), of cached whole numbers times the positions' scales, rounded group by group.</summary>
    /// <param name="call">The call.</param>
    /// <param name="scratch">The worker's memory.</param>
    /// <param name="piece">The scores, which become weights.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <param name="from">Where the first group begins of which any row sees something.</param>
    /// <param name="to">The end of what any row sees.</param>
    /// <param name="results">Receives the largest scores and the sums of weights.</param>
    public abstract void Weigh(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int rows, int from, int to, in PartialResults results);

    /// <summary>Weighs and adds the values of a split's positions for a block's rows.</summary>
    /// <param name="call">The call.</param>
    /// <param name="scratch">The worker's memory.</param>
    /// <param name="piece">The weights.</param>
    /// <param name="block">The block.</param>
    /// <param name="split">The split.</param>
    /// <param name="from">Where the first group begins of which any row sees something.</param>
    /// <param name="to">The end of what any row sees.</param>
    /// <param name="columns">Which columns, whole <see cref="AttentionCall.ColumnStep"/>s.</param>
    /// <param name="results">Receives the values.</param>
    public abstract void AddValues(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int block, int split, int from, int to, Columns columns, in PartialResults results);

    /// <summary>Joins the values of a row's partial results of splits, in their order and each with its factors, to those of the splits before them.</summary>
    /// <param name="from">Those of the splits before.</param>
    /// <param name="next">The partial results, [count].</param>
    /// <param name="count">How many.</param>
    /// <param name="columns">Which columns.</param>
    /// <param name="to">Receives them.</param>
    public abstract void Join(float* from, PartialResult* next, int count, Columns columns, float* to);

    /// <summary>Divides by the sum of weights: a row's result.</summary>
    public abstract void Finish(float* output, float sum, float* destination, int width);
}
