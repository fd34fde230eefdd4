using Deepseek.Inference.Compute;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Sees what the layers of a forward pass produce; tensors are valid during the call alone.</summary>
internal interface IForwardObserver
{
    /// <summary>Whether it looks at the operations themselves, so that the pass must run on tensors.</summary>
    bool NeedsTensors => false;

    /// <summary>Whether it looks at hidden states: otherwise none are shown.</summary>
    bool NeedsHidden => true;

    /// <summary>A pass begins.</summary>
    /// <param name="longest">New tokens of the sequence that has most: 1 where every sequence is decoded.</param>
    void OnPass(int longest)
    {
    }

    /// <summary>What the pass calls in place of its operations: they themselves, or some that look on and give the same bits.</summary>
    IComputeOperations Observed(IComputeOperations operations) => operations;

    /// <summary>The residual stream: 0 is the embedding, i the output of layer i, the last one after the final norm.</summary>
    void OnHidden(int index, Tensor hidden); // [N, D]

    /// <summary>The experts that a layer's router chose.</summary>
    void OnRouting(int layer, Routing routing);
}
