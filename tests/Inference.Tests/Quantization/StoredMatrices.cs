using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>The matrices of checkpoints, whatever form they have.</summary>
internal static class StoredMatrices
{
    private const string State = ".quant_state.bitsandbytes__nf4";

    /// <summary>Every matrix and its shape: what has two dimensions, or a state of bitsandbytes.</summary>
    public static IEnumerable<(string Name, long Rows, long Columns)> Of(CheckpointFolder source)
    {
        foreach (var tensor in source.Tensors.Values)
        {
            if (tensor.Name.EndsWith(State, StringComparison.Ordinal))
            {
                using var state = JsonDocument.Parse(source.Bytes(tensor).ToArray());
                var shape = state.RootElement.GetProperty("shape");
                yield return (tensor.Name[..^State.Length], shape[0].GetInt64(), shape[1].GetInt64());
            }
            else if (tensor.Shape.Count == 2 && tensor.Type != TensorType.U8 && !TensorNames.IsScale(tensor.Name))
            {
                yield return (tensor.Name, tensor.Shape[0], tensor.Shape[1]);
            }
        }
    }

    /// <summary>Puts a weight into a checkpoint as bitsandbytes saves it.</summary>
    public static AlteredCheckpoint SetNf4(AlteredCheckpoint checkpoint, string name, Nf4Tensor tensor)
    {
        var quantized = tensor.Scales as Nf4QuantizedScales;
        var nested = quantized is null ? "" : FormattableString.Invariant($", \"nested_blocksize\": 256, \"nested_offset\": {quantized.Offset:R}");
        var state = Encoding.UTF8.GetBytes(FormattableString.Invariant($"{{\"blocksize\": {tensor.BlockSize}, \"shape\": [{tensor.Shape[0]}, {tensor.Shape[1]}]{nested}}}"));
        checkpoint
            .Set(name, TensorType.U8, [tensor.Codes.Length, 1], tensor.Codes)
            .Set(name + State, TensorType.U8, [state.Length], state)
            .Set(name + ".quant_map", TensorType.F32, [16], MemoryMarshal.AsBytes(Nf4.Levels).ToArray());
        if (quantized is null)
            return checkpoint.Set(name + ".absmax", TensorType.F32, [tensor.Scales.Count], MemoryMarshal.AsBytes<float>(((Nf4PlainScales)tensor.Scales).Values).ToArray());
        return checkpoint
            .Set(name + ".absmax", TensorType.U8, [quantized.Count], quantized.Codes)
            .Set(name + ".nested_absmax", TensorType.F32, [quantized.GroupScales.Length], MemoryMarshal.AsBytes<float>(quantized.GroupScales).ToArray())
            .Set(name + ".nested_quant_map", TensorType.F32, [256], MemoryMarshal.AsBytes(DynamicCode8.Values).ToArray());
    }
}
