using Deepseek.Inference.Experts;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>Where a model's builders take its weights from: a checkpoint or a page store.</summary>
internal interface IWeights
{
    /// <summary>Bytes of the weights taken so far, as they are stored.</summary>
    long Bytes { get; }

    /// <summary>Whether a tensor is there.</summary>
    bool Has(string name);

    /// <summary>A matrix in its stored form.</summary>
    WeightMatrix Matrix(string name, long rows, long columns);

    /// <summary>A vector in fp32.</summary>
    Tensor Vector(string name, long length);

    /// <summary>The gain of a norm.</summary>
    RmsNorm Norm(string name, long length);

    /// <summary>The matrices of a gated feed-forward, <c>PREFIX.gate_proj.weight</c> and its siblings.</summary>
    FeedForwardWeights FeedForward(string prefix, long inner);

    /// <summary>A routed expert.</summary>
    FeedForwardWeights Expert(int layer, int expert, long inner);

    /// <summary>Experts that are paged; null where all of them are taken one by one.</summary>
    /// <param name="layers">Layers that have experts, ascending.</param>
    /// <param name="inner">I.</param>
    PagedExperts? Page(IReadOnlyList<int> layers, long inner) => null;

    /// <summary>Puts a device's memory before a source of the host, where there is one; otherwise the source itself.</summary>
    /// <param name="layers">Layers that have experts, ascending.</param>
    /// <param name="host">The source; what this returns owns it.</param>
    IExpertSource OnDevice(IReadOnlyList<int> layers, IExpertSource host) => host;

    /// <summary>Reports that nothing more will be taken.</summary>
    void Complete();
}
