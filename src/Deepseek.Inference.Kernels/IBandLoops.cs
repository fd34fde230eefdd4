namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops of a band's products on one instruction set: two rows at a time, which leaves registers for the tables. All give the same bits.</summary>
/// <remarks>Of each row <c>factors</c> holds a factor a block; the second row's follow <c>stride</c> later.</remarks>
internal unsafe interface IBandLoops
{
    /// <summary>Blocks of 64 columns in a line.</summary>
    static abstract int BlocksPerLine { get; }

    /// <summary>Bytes of a decoded block.</summary>
    static abstract int CodeBytes { get; }

    /// <summary>Two rows of a tile and one token.</summary>
    /// <param name="line">The first row's first line.</param>
    /// <param name="x">The token's blocks.</param>
    /// <param name="factors">[2 × blocks].</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="sums">Receives the two rows' sums.</param>
    static abstract void MultiplyRows(byte* line, byte* x, float* factors, int blocks, float* sums);

    /// <summary>Two rows of a tile and two tokens.</summary>
    /// <param name="line">The first row's first line.</param>
    /// <param name="x">The first token's blocks.</param>
    /// <param name="other">The second token's blocks.</param>
    /// <param name="factors">Of the first token, [2 × blocks].</param>
    /// <param name="otherFactors">Of the second token.</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="sums">Receives the two rows' sums, and those of the second token four later.</param>
    static abstract void MultiplyRows(byte* line, byte* x, byte* other, float* factors, float* otherFactors, int blocks, float* sums);

    /// <summary>Decodes some blocks of a tile's rows.</summary>
    /// <param name="line">The first row's line of the first block, which is even.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="destination">Receives [4 rows × <see cref="ProductShape.ChunkBlocks"/>] decoded blocks.</param>
    static abstract void Decode(byte* line, int blocks, byte* destination);

    /// <summary>Adds to the partial sums of some rows and one or two tokens.</summary>
    /// <param name="codes">Decoded blocks of the first row; the next row's follow <see cref="ProductShape.ChunkBlocks"/> later.</param>
    /// <param name="rows">Rows, an even number.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="first">The first token.</param>
    /// <param name="second">The second token; without blocks for one token.</param>
    static abstract void MultiplyChunk(byte* codes, int rows, int blocks, in ChunkToken first, in ChunkToken second);
}

/// <summary>A token at a decoded chunk.</summary>
/// <param name="x">Its blocks; null for no token.</param>
/// <param name="factors">[rows × blocks].</param>
/// <param name="sums">Its partial sums, [rows × 16].</param>
internal readonly unsafe struct ChunkToken(byte* x, float* factors, float* sums)
{
    public readonly byte* X = x;
    public readonly float* Factors = factors;
    public readonly float* Sums = sums;
}
