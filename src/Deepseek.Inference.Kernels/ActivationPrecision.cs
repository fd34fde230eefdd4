namespace Deepseek.Inference.Kernels;

/// <summary>What activations are rounded to before they meet quantized weights.</summary>
/// <remarks>Errors are root-mean-square, of normal activations, relative to their root mean square. Before <c>kv_b_proj</c> in 8 bits a head's activations have one scale, and 16 bits under both.</remarks>
public enum ActivationPrecision
{
    /// <summary>They stay in single precision, and weights are widened.</summary>
    Fp32,

    /// <summary>Whole numbers, −32,767 to 32,767, times the fp32 scale of a block of 64 columns, whose magnitudes sum to 273,400 at most: 5 · 10⁻⁵.</summary>
    Int16,

    /// <summary>Whole numbers, −127 to 127, times the fp32 scale of a block of 64 columns: 5 · 10⁻³.</summary>
    Int8,
}
