namespace Deepseek.Inference.Quantization;

/// <summary>How a checkpoint keeps a matrix.</summary>
internal enum MatrixForm
{
    /// <summary>Double precision.</summary>
    F64,

    /// <summary>Single precision.</summary>
    F32,

    /// <summary>Half precision.</summary>
    F16,

    /// <summary>bfloat16.</summary>
    BF16,

    /// <summary>e4m3 codes that are the weights.</summary>
    Fp8E4M3,

    /// <summary>e5m2 codes that are the weights.</summary>
    Fp8E5M2,

    /// <summary>e4m3 codes times the scale of a rectangular block, as DeepSeek-V3 is published.</summary>
    Fp8Block,

    /// <summary>NF4 codes times the scale of a block of the flattened matrix, as bitsandbytes saves them.</summary>
    Nf4,
}
