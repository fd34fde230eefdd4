namespace Deepseek.Inference.Kernels;

/// <summary>The inner loops of a band's products on one instruction set. All give the same bits.</summary>
internal unsafe interface IBandLoops
{
    /// <summary>Bytes of a group: of each of the band's 64 rows four bytes of neighbouring weights, which meet the same activations.</summary>
    const int GroupBytes = BandLayout.BandRows * sizeof(int);

    /// <summary>Tokens that meet a tile at once.</summary>
    const int Together = 4;

    /// <summary>How many tokens ahead <see cref="MultiplyBlock"/> asks for activations: they come from beyond the second cache where prompts are long.</summary>
    const int AheadTokens = 4;

    /// <summary>Blocks of 64 columns in a line.</summary>
    static abstract int BlocksPerLine { get; }

    /// <summary>Bytes of a decoded block of a row.</summary>
    static abstract int CodeBytes { get; }

    /// <summary>Up to so many tokens weights are best multiplied as they come from memory, four tokens at a time; for more they are decoded into the first cache.</summary>
    static abstract int FewTokens { get; }

    /// <summary>Adds the products of a tile with one to four tokens, as the weights stream by.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="scales">Of the weights, [blocks × 16].</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="tokens">The tokens, [count].</param>
    /// <param name="count">How many: 1 to 4.</param>
    /// <param name="sums">The partial sums, [count × 8 × 16].</param>
    static abstract void MultiplyTile(in TileSource tile, float* scales, int blocks, BandToken* tokens, int count, float* sums);

    /// <summary>Decodes a line of a tile.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="line">The line.</param>
    /// <param name="destination">The tile's place in the first group; receives for each block of the line its groups, one after the other.</param>
    static abstract void Decode(in TileSource tile, int line, byte* destination);

    /// <summary>Adds the products of a block of a band's decoded rows with all tokens.</summary>
    /// <param name="codes">The block's groups.</param>
    /// <param name="scales">Of the weights, [64].</param>
    /// <param name="block">The block's number in its row.</param>
    /// <param name="tokens">The tokens, [count + <see cref="AheadTokens"/>]: those after the last one are asked for, and not used.</param>
    /// <param name="count">How many.</param>
    /// <param name="sums">The partial sums that the block joins, [count × 64].</param>
    /// <param name="ahead">Weights that are asked for meanwhile.</param>
    static abstract void MultiplyBlock(byte* codes, float* scales, int block, BandToken* tokens, int count, float* sums, LinesAhead ahead);
}

/// <summary>A token that meets a band.</summary>
/// <param name="x">Its blocks, from the row's first.</param>
/// <param name="scales">Their scales.</param>
internal readonly unsafe struct BandToken(byte* x, float* scales)
{
    public readonly byte* X = x;
    public readonly float* Scales = scales;
}
