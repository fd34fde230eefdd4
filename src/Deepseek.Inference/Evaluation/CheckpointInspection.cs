using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Evaluation;

/// <summary>Tensors of one part of a model in one precision.</summary>
/// <param name="Part">The part: embedding, head, attention, dense, routed-experts, shared-experts, router, norms, prediction, scales or other.</param>
/// <param name="Precision">The stored type, as headers name it (<c>F8_E4M3</c>), or a store's precision (<c>nf4</c>).</param>
/// <param name="Tensors">How many there are.</param>
/// <param name="Parameters">Their elements.</param>
/// <param name="Bytes">Their bytes.</param>
public sealed record TensorClass(string Part, string Precision, int Tensors, long Parameters, long Bytes);

/// <summary>What the headers of a checkpoint, or the manifest of a page store, tell without reading weights.</summary>
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
        return StoreFile.IsStore(folder) ? ReadStore(folder, config) : ReadCheckpoint(folder, config);
    }

    private static CheckpointInspection ReadCheckpoint(string folder, ModelConfig config)
    {
        using var source = CheckpointFolder.Open(folder);
        var tensors = source.Tensors.Values.Select(tensor => new TensorClass(PartOf(tensor.Name, config.LayerCount), tensor.Type.Name(), 1, ParametersOf(tensor, source), tensor.ByteLength));
        return Create(config, tensors, source.Tensors.Values.Select(tensor => tensor.File).Distinct().Count());
    }

    private static CheckpointInspection ReadStore(string folder, ModelConfig config)
    {
        var layout = StoreManifestReader.Read(folder).Layout;
        var tensors = layout.Tensors.Select(tensor => new TensorClass(
            PartOf(tensor.Name, config.LayerCount), tensor.Precision?.Name() ?? tensor.Type.Name(), 1, tensor.Shape.Aggregate(1L, (product, size) => product * size), tensor.Length));
        var experts = layout.Experts.Select(run => new TensorClass(
            run.Layer < config.LayerCount ? "routed-experts" : "prediction", run.Precision.Name(), 3 * run.Count, 3L * run.Count * run.Inner * run.Hidden, (long)run.Count * run.Record.Length));
        return Create(config, tensors.Concat(experts), layout.Shards.Count);
    }

    private static CheckpointInspection Create(ModelConfig config, IEnumerable<TensorClass> tensors, int files)
    {
        var classes = tensors
            .GroupBy(tensor => (tensor.Part, tensor.Precision))
            .Select(group => new TensorClass(group.Key.Part, group.Key.Precision, group.Sum(tensor => tensor.Tensors), group.Sum(tensor => tensor.Parameters), group.Sum(tensor => tensor.Bytes)))
            .OrderByDescending(tensors => tensors.Bytes)
            .ThenBy(tensors => tensors.Part, StringComparer.Ordinal)
            .ToList();
        return new(config, ParameterCounts.Of(config), classes, files);
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
