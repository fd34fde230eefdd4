namespace Deepseek.Inference.Kernels;

/// <summary>The instruction set that kernels are computed with. Each of x86 has the instructions of those before it.</summary>
public enum KernelPath
{
    /// <summary>Plain C#: the definition that every other path equals.</summary>
    Scalar,

    /// <summary>128-bit vectors in portable form: NEON on ARM, SSE on x86.</summary>
    Vector128,

    /// <summary>256-bit vectors of x86, with fused multiply-add.</summary>
    Avx2,

    /// <summary>512-bit vectors of x86: the subsets F, BW, CD, DQ and VL.</summary>
    Avx512,

    /// <summary><see cref="Avx512"/>, and products of whole numbers by AVX512-VNNI, in machine code that is made at run time: on Linux.</summary>
    Avx512Vnni,
}
