using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>Collects what the layers of one or several forward passes over a sequence produce, in host memory.</summary>
/// <remarks>Passes append: a prompt given in chunks leaves the same trace as one given whole. Not thread-safe.</remarks>
public sealed class ForwardTrace : IForwardObserver
{
    private readonly SortedDictionary<int, List<float>> _hidden = [];
    private readonly SortedDictionary<int, List<int>> _experts = [];
    private readonly SortedDictionary<int, List<float>> _expertWeights = [];

    /// <summary>The residual stream by index, each [T, D] row by row: 0 is the embedding, i the output of layer i, the last one after the final norm.</summary>
    public IReadOnlyDictionary<int, List<float>> Hidden => _hidden;

    /// <summary>The experts that each mixture layer chose, by the layer's number, each [T, K] row by row, ascending within a token.</summary>
    public IReadOnlyDictionary<int, List<int>> Experts => _experts;

    /// <summary>The factors of <see cref="Experts"/>, scale included.</summary>
    public IReadOnlyDictionary<int, List<float>> ExpertWeights => _expertWeights;

    void IForwardObserver.OnHidden(int index, Tensor hidden) => For(_hidden, index).AddRange(hidden.ToArray<float>());

    void IForwardObserver.OnRouting(int layer, Routing routing)
    {
        For(_experts, layer).AddRange(routing.Experts);
        For(_expertWeights, layer).AddRange(routing.Weights);
    }

    private static List<T> For<T>(SortedDictionary<int, List<T>> values, int key)
    {
        if (!values.TryGetValue(key, out var list))
            values.Add(key, list = []);
        return list;
    }
}
