namespace Deepseek.Inference.Kernels;

/// <summary>How a matrix of a page store keeps its weights.</summary>
public enum WeightPrecision
{
    /// <summary>4 bits: a level of NF4 times the scale of a block of 64 columns; scales are signed 8-bit multiples of one fp32 step for 256 blocks. 4.13 bits a weight.</summary>
    Nf4,

    /// <summary>The same levels and blocks with scales as bitsandbytes keeps them: 8-bit dynamic codes, an fp32 factor for 256 blocks and an offset. 4.13 bits a weight.</summary>
    Nf4Dynamic,

    /// <summary>8 bits: a whole number, −127 to 127, times its row's fp32 scale.</summary>
    Int8,

    /// <summary>8 bits: a whole number, −127 to 127, times the fp32 scale of a block of 64 columns. 8.5 bits a weight.</summary>
    Int8Block,

    /// <summary>e4m3 codes times the fp32 scale of a block of 128 × 128, as DeepSeek publishes V3 and R1.</summary>
    Fp8,

    /// <summary>bfloat16.</summary>
    BF16,

    /// <summary>Half precision.</summary>
    F16,

    /// <summary>Single precision.</summary>
    F32,
}
