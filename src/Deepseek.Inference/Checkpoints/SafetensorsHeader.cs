namespace Deepseek.Inference.Checkpoints;

/// <summary>What the header of a safetensors file says, after all of it was checked.</summary>
/// <param name="Tensors">The tensors by name.</param>
/// <param name="Metadata">The texts of <c>__metadata__</c>; empty where there are none.</param>
/// <param name="DataOffset">First byte of the data in the file.</param>
internal sealed record SafetensorsHeader(
    IReadOnlyDictionary<string, TensorEntry> Tensors, IReadOnlyDictionary<string, string> Metadata, long DataOffset)
{
    /// <summary>Bytes before the header: its length, a little-endian unsigned 64-bit integer.</summary>
    internal const int LengthBytes = 8;

    /// <summary>The longest header, that of the reference implementation (huggingface/safetensors, safetensors/src/tensor.rs, MAX_HEADER_SIZE).</summary>
    internal const int MaxBytes = 100_000_000;

    /// <summary>The one key that names no tensor.</summary>
    internal const string MetadataKey = "__metadata__";
}
