using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>What machine code for the products of tiles is given; it changes it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TileCall
{
    /// <summary>Tiles, one after the other: more than one only where a tile begins with its scales.</summary>
    public long Tiles;

    /// <summary>The first line of the first tile's 16 rows, piece by piece, in a piece row by row; the others follow.</summary>
    public byte* Lines;

    /// <summary>The weights' scales, block by block, in a block row by row: fp32, or codes of 8 bits.</summary>
    public void* Scales;

    /// <summary>Bytes of a tile's scales, a multiple of 64.</summary>
    public long ScaleBytes;

    /// <summary>For codes: the steps that they count, each for 16 blocks.</summary>
    public float* Steps;

    /// <summary>The first block's number among those that have a step.</summary>
    public long StepAt;

    /// <summary>What <see cref="ITileCode.Tables"/> tells.</summary>
    public byte* Tables;

    /// <summary>The tokens.</summary>
    public BandToken* Tokens;

    /// <summary>Where the block lies in a token's activations, bytes.</summary>
    public long At;

    /// <summary>Where the last one ends.</summary>
    public long End;

    /// <summary>Room for the partial sums, [tokens × 8 × 16]; where a row has fewer blocks than lanes, zeros.</summary>
    public float* Sums;

    /// <summary>As many zeros.</summary>
    public float* Zeros;

    /// <summary>Receives the first token's outputs, [16].</summary>
    public float* Outputs;

    /// <summary>Bytes from there to the next token's.</summary>
    public long Stride;

    /// <summary>What outputs are multiplied by.</summary>
    public float Factor;
}
