namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops of a band's products on one instruction set. All give the same bits.</summary>
internal unsafe interface IBandLoops
{
    /// <summary>Bytes of a group of interleaved rows: of each of the band's 64 rows four bytes of neighbouring weights, which meet the same activations.</summary>
    const int GroupBytes = BandLayout.BandRows * sizeof(int);

    /// <summary>How many tokens ahead <see cref="MultiplyBlock"/> asks for activations: they come from beyond the second cache where prompts are long.</summary>
    const int AheadTokens = 4;

    /// <summary>Blocks of 64 columns in a line.</summary>
    static abstract int BlocksPerLine { get; }

    /// <summary>Bytes of a decoded block of a row.</summary>
    static abstract int CodeBytes { get; }

    /// <summary>Up to so many tokens weights are best multiplied as they stream by, four tokens at a time; more are worth interleaving rows.</summary>
    static abstract int FewTokens { get; }

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

    /// <summary>Decodes a line of two tiles' eight rows and interleaves them.</summary>
    /// <param name="first">The first tile's four lines.</param>
    /// <param name="second">The second tile's.</param>
    /// <param name="destination">The rows' place in the first group; receives for each block of the line its groups, one after the other.</param>
    static abstract void Interleave(byte* first, byte* second, byte* destination);

    /// <summary>Adds the products of a block of a band's interleaved rows with all tokens.</summary>
    /// <param name="codes">The block's groups.</param>
    /// <param name="scales">Of the weights, [64].</param>
    /// <param name="block">The block's number in its row.</param>
    /// <param name="tokens">The tokens, [count + <see cref="AheadTokens"/>]: those after the last one are asked for, and not used.</param>
    /// <param name="count">How many.</param>
    /// <param name="sums">The partial sums that the block joins, [count × 64].</param>
    /// <param name="ahead">Weights that are asked for meanwhile.</param>
    static abstract void MultiplyBlock(byte* codes, float* scales, int block, ManyToken* tokens, int count, float* sums, TilesAhead ahead);
}

/// <summary>A token that meets a tile.</summary>
/// <param name="x">Its blocks.</param>
/// <param name="factors">A factor a block: for each group of eight blocks those of the first row, of the second, … (<see cref="TileScales"/>).</param>
internal readonly unsafe struct TileToken(byte* x, float* factors)
{
    public readonly byte* X = x;
    public readonly float* Factors = factors;
}

/// <summary>One of many tokens, which meet a band's interleaved rows.</summary>
/// <param name="x">Its blocks, from the row's first.</param>
/// <param name="scales">Their scales.</param>
internal readonly unsafe struct ManyToken(byte* x, float* scales)
{
    public readonly byte* X = x;
    public readonly float* Scales = scales;
}
