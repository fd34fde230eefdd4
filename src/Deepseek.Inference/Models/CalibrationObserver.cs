using Deepseek.Inference.Compute;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>Puts counting operations into a pass, and keeps the final states of the latest one.</summary>
/// <param name="counter">Where the energies are summed.</param>
/// <param name="finalIndex">The index of the residual stream after the final norm.</param>
internal sealed class CalibrationObserver(ColumnEnergiesCounter counter, int finalIndex) : IForwardObserver
{
    /// <summary>The states after the final norm, [T, D]: what the multi-token-prediction layer continues.</summary>
    public float[] FinalStates { get; private set; } = [];

    public bool NeedsTensors => true;

    public IComputeOperations Observed(IComputeOperations operations) => new CalibratingOperations(operations, counter);

    public void OnHidden(int index, Tensor hidden)
    {
        if (index == finalIndex)
            FinalStates = hidden.ToArray<float>();
    }

    public void OnRouting(int layer, Routing routing)
    {
        // The operations see the tokens of each expert themselves.
    }
}
