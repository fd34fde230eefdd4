using Deepseek.Inference.Checkpoints;

namespace Deepseek.Inference.Store;

/// <summary>A class of weights in a store.</summary>
/// <param name="Part">The part: resident, prediction or experts.</param>
/// <param name="Precision">How they are kept: a precision's name, or an elements' type.</param>
/// <param name="Tensors">Matrices and vectors.</param>
/// <param name="Parameters">Weights.</param>
/// <param name="Bytes">Bytes on the disk, without headers.</param>
public sealed record StoreClass(string Part, string Precision, int Tensors, long Parameters, long Bytes);

/// <summary>What a store holds, or would hold.</summary>
/// <param name="Bytes">Bytes of all shards.</param>
/// <param name="Files">Shards.</param>
/// <param name="ExpertBytes">Bytes of the record of one of the model's experts; 0 for a model without routed experts.</param>
/// <param name="Classes">Weights by part and precision, the largest first.</param>
public sealed record StoreSummary(long Bytes, int Files, long ExpertBytes, IReadOnlyList<StoreClass> Classes)
{
    /// <summary>Reads the manifest of a store.</summary>
    /// <param name="folder">The store's folder.</param>
    /// <exception cref="Diagnostics.CheckpointFormatException">The folder is no finished store, or its manifest is not sound.</exception>
    public static StoreSummary Read(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        return Of(StoreManifestReader.Read(folder).Layout);
    }

    internal static StoreSummary Of(StoreLayout layout)
    {
        var resident = layout.Tensors.Select(tensor => new StoreClass(
            layout.Shards[tensor.Shard].File == StorePlan.ResidentFile ? "resident" : "prediction",
            tensor.Precision?.Name() ?? tensor.Type.Name(), 1, tensor.Shape.Aggregate(1L, (product, size) => product * size), tensor.Length));
        var experts = layout.Experts.Select(run => new StoreClass("experts", run.Precision.Name(), 3 * run.Count, 3L * run.Count * run.Inner * run.Hidden, (long)run.Count * run.Record.Length));
        var classes = resident.Concat(experts)
            .GroupBy(one => (one.Part, one.Precision))
            .Select(group => new StoreClass(group.Key.Part, group.Key.Precision, group.Sum(one => one.Tensors), group.Sum(one => one.Parameters), group.Sum(one => one.Bytes)))
            .OrderByDescending(one => one.Bytes)
            .ThenBy(one => one.Precision, StringComparer.Ordinal)
            .ToList();
        return new StoreSummary(layout.ByteLength, layout.Shards.Count, layout.Experts is [var first, ..] ? first.Record.Length : 0, classes);
    }
}
