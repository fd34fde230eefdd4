namespace Deepseek.Inference.Kernels;

/// <summary>What a cached element is stored as.</summary>
internal enum CacheFormat
{
    /// <summary>Single precision.</summary>
    Fp32,

    /// <summary>bfloat16; widened exactly.</summary>
    BF16,

    /// <summary>Half precision; widened exactly.</summary>
    F16,

    /// <summary>Whole numbers of 16 bits, with one scale for a row's latent part and one for its rope part. For latent attention alone.</summary>
    Int16,
}
