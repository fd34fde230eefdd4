namespace Deepseek.Inference.Kernels;

/// <summary>In which order a kernel reads the 64 activations of a block, and as what numbers.</summary>
internal enum ActivationOrder
{
    /// <summary>16-bit numbers, column by column: the definition's.</summary>
    Columns,

    /// <summary>16-bit numbers, of every 32 columns first the pairs that begin four neighbours (0, 1, 4, 5, 8, 9, …), then those that end them (2, 3, 6, 7, …): <see cref="WordCodes256"/>.</summary>
    Pairs,

    /// <summary>16-bit numbers, the even columns, then the odd ones: <see cref="WordCodes512"/>.</summary>
    EvenOdd,

    /// <summary>8-bit numbers column by column, then their magnitudes: <see cref="ByteCodes256"/>.</summary>
    Magnitudes,

    /// <summary>8-bit numbers column by column, then the 8 lanes' sums, times −128: <see cref="VnniCodes256"/>.</summary>
    Corrections,
}
