namespace Deepseek.Inference.Kernels;

/// <summary>Products of tiles in machine code, with activations of one order.</summary>
internal unsafe interface ITileCode
{
    /// <summary>Tokens that meet a tile at once.</summary>
    static abstract int MostTokens { get; }

    /// <summary>Vectors that the code reads, in memory that stays.</summary>
    /// <param name="weights">How the weights lie.</param>
    static abstract byte* Tables(TileWeights weights);

    /// <summary>The products of tiles.</summary>
    /// <param name="weights">How the weights lie.</param>
    /// <param name="tokens">Tokens, 1 to <see cref="MostTokens"/>.</param>
    static abstract delegate* unmanaged[SuppressGCTransition]<TileCall*, void> Function(TileWeights weights, int tokens);
}
