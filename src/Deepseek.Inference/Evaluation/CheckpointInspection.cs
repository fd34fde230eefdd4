using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Evaluation;

/// <summary>Tensors of one part of a model in one precision.</summary>
/// <param name="Part">The part: embedding, head, attention, dense, routed-experts, shared-experts, router, norms, prediction, scales or other.</param>
/// <param name="Precision">The stored type.</param>
/// <param name="Tensors">How many there are.</param>
/// <param name="Parameters">Their elements.</param>
/// <param name="Bytes">Their bytes.</param>
public sealed record TensorClass(string Part, TensorType Precision, int Tensors, long Parameters, long Bytes);

/// <summary>What a checkpoint's headers tell without reading its weights.</summary>
/// <param name="Config">Architecture and sizes.</param>
/// <param name="Counts">Parameters by part, computed from the configuration.</param>
/// <param name="Classes">What the files hold, the largest first.</param>
/// <param name="Files">How many files hold it.</param>
public sealed record CheckpointInspection(ModelConfig Config, ParameterCounts Counts, IReadOnlyList<TensorClass> Classes, int Files)
{
    /// <summary>Parameters that the files hold, without scales.</summary>
    public long Parameters => Classes.Where(tensors => tensors.Part != "scales").Sum(tensors => tensors.Parameters);

    /// <summary>Bytes of all tensors.</summary>
    public long Bytes => Classes.Sum(tensors => tensors.Bytes);

    /// <summary>Reads the configuration and the headers of a folder.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="Diagnostics.CheckpointFormatException">A file is at fault.</exception>
    public static CheckpointInspection Read(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder {folder}; a model is a folder with config.json and safetensors files.");
        var config = ModelConfig.Load(folder);
        using var source = CheckpointFolder.Open(folder);
        var classes = source.Tensors.Values
            .GroupBy(tensor => (Part: PartOf(tensor.Name, config.LayerCount), tensor.Type))
            .Select(group => new TensorClass(group.Key.Part, group.Key.Type, group.Count(), group.Sum(tensor => ParametersOf(tensor, source)), group.Sum(tensor => tensor.ByteLength)))
            .OrderByDescending(tensors => tensors.Bytes)
            .ThenBy(tensors => tensors.Part, StringComparer.Ordinal)
            .ToList();
        return new(config, ParameterCounts.Of(config), classes, source.Tensors.Values.Select(tensor => tensor.File).Distinct().Count());
    }

    /// <summary>A 4-bit weight of bitsandbytes holds two parameters a byte; what an odd number adds is passed over.</summary>
    private static long ParametersOf(TensorEntry tensor, CheckpointFolder source) =>
        tensor.Type == TensorType.U8 && source.Tensors.ContainsKey(tensor.Name + ".quant_map") ? 2 * tensor.ElementCount : tensor.ElementCount;

    private static string PartOf(string name, int layers)
    {
        if (name.EndsWith("_scale_inv", StringComparison.Ordinal) || name.EndsWith("absmax", StringComparison.Ordinal) || name.EndsWith("quant_map", StringComparison.Ordinal)
            || name.Contains(".quant_state.", StringComparison.Ordinal))
            return "scales";
        if (Enumerable.Range(layers, 8).Any(layer => name.StartsWith(TensorNames.Layer(layer, "x")[..^1], StringComparison.Ordinal)))
            return "prediction";
        (string Fragment, string Part)[] parts =
        [
            ("norm", "norms"), (".mlp.gate.", "router"), (".mlp.experts.", "routed-experts"), (".mlp.shared_experts.", "shared-experts"),
            (".mlp.", "dense"), (".self_attn.", "attention"), ("embed_tokens", "embedding"), ("lm_head", "head"),
        ];
        return parts.FirstOrDefault(part => name.Contains(part.Fragment, StringComparison.Ordinal)).Part ?? "other";
    }
}
