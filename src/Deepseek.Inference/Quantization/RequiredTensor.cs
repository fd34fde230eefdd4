using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Quantization;

/// <summary>Tensors that a configuration asks for, checked against what the checkpoint's headers say.</summary>
internal static class RequiredTensor
{
    /// <summary>A tensor by name and shape.</summary>
    /// <exception cref="CheckpointFormatException">It is missing, or has another shape.</exception>
    public static TensorEntry Find(ICheckpointSource source, string name, params IReadOnlyList<long> shape)
    {
        if (!source.Tensors.TryGetValue(name, out var entry))
            throw new CheckpointFormatException(source.Location, name, $"the tensor is missing; config.json asks for one of shape {Text(shape)}. Download the checkpoint again, or correct config.json.");
        if (!entry.Shape.SequenceEqual(shape))
            throw new CheckpointFormatException(entry.File, name, $"the shape is {Text(entry.Shape)}; config.json asks for {Text(shape)}.");
        return entry;
    }

    /// <summary>Refuses what cannot be a norm, a bias or a scale.</summary>
    /// <exception cref="CheckpointFormatException">The type is none of F64, F32, F16 and BF16.</exception>
    public static void RequireFloat(TensorEntry entry)
    {
        if (entry.Type is not (TensorType.F64 or TensorType.F32 or TensorType.F16 or TensorType.BF16))
            throw new CheckpointFormatException(entry.File, entry.Name, $"the type is {entry.Type}; norms, biases and scales must be F64, F32, F16 or BF16.");
    }

    private static string Text(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
