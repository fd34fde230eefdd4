namespace Deepseek.Inference.Kernels;

/// <summary>How the weights of a tile lie in memory.</summary>
internal enum TileWeights
{
    /// <summary>4 bits, two blocks a line, with scales of 8 bits.</summary>
    Nf4,

    /// <summary>4 bits, with scales in fp32.</summary>
    Nibbles,

    /// <summary>8 bits, one block a line, with scales in fp32.</summary>
    Bytes,
}
