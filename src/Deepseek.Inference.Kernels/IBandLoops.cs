namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops of a band's products on one instruction set. All give the same bits.</summary>
internal unsafe interface IBandLoops
{
    /// <summary>Blocks of 64 columns in a line.</summary>
    static abstract int BlocksPerLine { get; }

    /// <summary>Rows that many tokens meet at once: two vectors of 32-bit lanes.</summary>
    static abstract int GroupRows { get; }

    /// <summary>Bytes of a decoded block of a row.</summary>
    static abstract int CodeBytes { get; }

    /// <summary>The most tokens that meet a chunk of interleaved rows at once: their sums fill the registers.</summary>
    static abstract int ChunkTokens { get; }

    /// <summary>A tile and one token, as the weights stream by.</summary>
    /// <param name="line">The tile's first line.</param>
    /// <param name="token">The token.</param>
    /// <param name="blocks">Blocks of a row, or up to whole groups of <see cref="ProductShape.Lanes"/> where what follows may be read.</param>
    /// <param name="sums">Receives the partial sums, [4 × 8].</param>
    static abstract void MultiplyTile(byte* line, in TileToken token, int blocks, float* sums);

    /// <summary>A tile and two tokens.</summary>
    /// <param name="line">The tile's first line.</param>
    /// <param name="first">The first token.</param>
    /// <param name="second">The second token.</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="sums">Receives the partial sums, [2 × 4 × 8].</param>
    static abstract void MultiplyTile(byte* line, in TileToken first, in TileToken second, int blocks, float* sums);

    /// <summary>A tile and four tokens.</summary>
    /// <param name="line">The tile's first line.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="sums">Receives the partial sums, [4 × 4 × 8].</param>
    static abstract void MultiplyTile(byte* line, TileToken* tokens, int blocks, float* sums);

    /// <summary>Decodes a line of <see cref="GroupRows"/> rows and interleaves them.</summary>
    /// <param name="lines">The line of each row.</param>
    /// <param name="scratch">Room for eight rows' decoded blocks.</param>
    /// <param name="destination">Receives for each block of the line, and for each vector of rows, its groups of neighbouring weights, one after the other.</param>
    static abstract void Interleave(byte** lines, byte* scratch, byte* destination);

    /// <summary>Adds some blocks of interleaved rows and one, two, four or <see cref="ChunkTokens"/> tokens.</summary>
    /// <param name="codes">The blocks.</param>
    /// <param name="scales">Of the weights, [blocks × <see cref="GroupRows"/>].</param>
    /// <param name="first">The first block's number in its row.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="count">How many.</param>
    static abstract void MultiplyChunk(byte* codes, float* scales, int first, int blocks, ChunkToken* tokens, int count);
}

/// <summary>A token that meets a tile.</summary>
/// <param name="x">Its blocks.</param>
/// <param name="factors">A factor a block: for each group of eight blocks those of the first row, of the second, … (<see cref="TileScales"/>).</param>
internal readonly unsafe struct TileToken(byte* x, float* factors)
{
    public readonly byte* X = x;
    public readonly float* Factors = factors;
}

/// <summary>A token that meets a chunk of interleaved rows.</summary>
/// <param name="x">Its blocks, from the row's first.</param>
/// <param name="scales">Their scales.</param>
/// <param name="sums">Its partial sums, [8 × rows].</param>
internal readonly unsafe struct ChunkToken(byte* x, float* scales, float* sums)
{
    public readonly byte* X = x;
    public readonly float* Scales = scales;
    public readonly float* Sums = sums;
}
