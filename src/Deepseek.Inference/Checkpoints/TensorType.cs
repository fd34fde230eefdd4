namespace Deepseek.Inference.Checkpoints;

/// <summary>Element types of safetensors files.</summary>
public enum TensorType
{
    /// <summary>IEEE double, 8 bytes.</summary>
    F64,

    /// <summary>IEEE single, 4 bytes.</summary>
    F32,

    /// <summary>IEEE half, 2 bytes.</summary>
    F16,

    /// <summary>The upper half of a single, 2 bytes.</summary>
    BF16,

    /// <summary>8-bit float with 4 exponent bits, no infinities (e4m3fn).</summary>
    F8E4M3,

    /// <summary>8-bit float with 5 exponent bits.</summary>
    F8E5M2,

    /// <summary>Signed integer, 8 bytes.</summary>
    I64,

    /// <summary>Signed integer, 4 bytes.</summary>
    I32,

    /// <summary>Signed integer, 2 bytes.</summary>
    I16,

    /// <summary>Signed integer, 1 byte.</summary>
    I8,

    /// <summary>Unsigned integer, 1 byte.</summary>
    U8,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned integer, 8 bytes.</summary>
    U64,

    /// <summary>Unsigned integer, 4 bytes.</summary>
    U32,

    /// <summary>Unsigned integer, 2 bytes.</summary>
    U16,

    /// <summary>A power of two, 1 byte: the scales of microscaling formats (e8m0fnu).</summary>
    F8E8M0,
}
