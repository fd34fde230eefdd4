using System.Collections.Frozen;

namespace Deepseek.Inference.Checkpoints;

/// <summary>Sizes and published names of the element types.</summary>
public static class TensorTypes
{
    // huggingface/safetensors, safetensors/src/tensor.rs, enum Dtype. Types of less than a byte are not among ours.
    private static readonly (TensorType Type, string Name)[] Names =
    [
        (TensorType.F64, "F64"), (TensorType.F32, "F32"), (TensorType.F16, "F16"), (TensorType.BF16, "BF16"),
        (TensorType.F8E4M3, "F8_E4M3"), (TensorType.F8E5M2, "F8_E5M2"), (TensorType.F8E8M0, "F8_E8M0"),
        (TensorType.I64, "I64"), (TensorType.I32, "I32"), (TensorType.I16, "I16"), (TensorType.I8, "I8"),
        (TensorType.U64, "U64"), (TensorType.U32, "U32"), (TensorType.U16, "U16"), (TensorType.U8, "U8"),
        (TensorType.Bool, "BOOL"),
    ];

    private static readonly FrozenDictionary<string, TensorType> ByName = Names.ToFrozenDictionary(n => n.Name, n => n.Type, StringComparer.Ordinal);
    private static readonly FrozenDictionary<TensorType, string> ByType = Names.ToFrozenDictionary(n => n.Type, n => n.Name);

    /// <summary>Every name that <see cref="TryParse"/> knows, for messages.</summary>
    internal static string Supported { get; } = string.Join(", ", Names.Select(n => n.Name));

    /// <summary>Bytes of one element.</summary>
    /// <param name="type">The element's type.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="type"/> is no member of the enumeration.</exception>
    public static int Size(this TensorType type) => type switch
    {
        TensorType.F64 or TensorType.I64 or TensorType.U64 => 8,
        TensorType.F32 or TensorType.I32 or TensorType.U32 => 4,
        TensorType.F16 or TensorType.BF16 or TensorType.I16 or TensorType.U16 => 2,
        TensorType.F8E4M3 or TensorType.F8E5M2 or TensorType.F8E8M0 or TensorType.I8 or TensorType.U8 or TensorType.Bool => 1,
        _ => throw Unknown(type),
    };

    /// <summary>The name that safetensors headers use, such as <c>F8_E4M3</c>.</summary>
    /// <param name="type">The element's type.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="type"/> is no member of the enumeration.</exception>
    public static string Name(this TensorType type) => ByType.TryGetValue(type, out var name) ? name : throw Unknown(type);

    /// <summary>The type that a header's name means.</summary>
    /// <param name="name">The name, in the header's upper case.</param>
    /// <param name="type">The type where the name is known.</param>
    public static bool TryParse(string name, out TensorType type) => ByName.TryGetValue(name, out type);

    private static ArgumentOutOfRangeException Unknown(TensorType type) =>
        new(nameof(type), type, "The element type is unknown; it must be a member of TensorType.");
}
