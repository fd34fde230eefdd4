namespace Deepseek.Inference.Kernels;

/// <summary>In which order a kernel reads the 64 activations of a block, and as what numbers.</summary>
internal enum ActivationOrder
{
    /// <summary>16-bit numbers, column by column, for the definition.</summary>
    Columns,

    /// <summary>16-bit numbers, column by column: <see cref="WordCodes256"/>.</summary>
    Words,

    /// <summary>The order of <see cref="Words"/>, for another kernel where weights have 4 bits and tokens are few: <see cref="WordTiles"/>.</summary>
    TileWords,

    /// <summary>16-bit numbers, the even columns, then the odd ones: <see cref="WordCodes512"/>.</summary>
    EvenOdd,

    /// <summary>The order of <see cref="EvenOdd"/>, for another kernel: <see cref="VnniWords"/>.</summary>
    DotWords,

    /// <summary>8-bit numbers column by column, and nothing else, so that they take half the room of others; their sum times −128 lies behind their scale: <see cref="VnniBytes"/>.</summary>
    DotBytes,

    /// <summary>8-bit numbers column by column, then their magnitudes: <see cref="ByteCodes256"/>.</summary>
    Magnitudes,

    /// <summary>8-bit numbers column by column, then their sum times −128: <see cref="VnniCodes256"/>.</summary>
    Correction,
}
