using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Sees what the layers of a forward pass produce; tensors are valid during the call alone.</summary>
internal interface IForwardObserver
{
    /// <summary>The residual stream: 0 is the embedding, i the output of layer i, the last one after the final norm.</summary>
    void OnHidden(int index, Tensor hidden); // [N, D]

    /// <summary>The experts that a layer's router chose.</summary>
    void OnRouting(int layer, Routing routing);
}
