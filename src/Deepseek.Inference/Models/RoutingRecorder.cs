using Deepseek.Inference.Layers;
using Deepseek.Inference.Offload;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>Writes the experts of decoded tokens to a trace.</summary>
/// <remarks>Passes come one at a time: the CPU operations' gate sees to it.</remarks>
internal sealed class RoutingRecorder(RoutingTraceWriter writer, IReadOnlyList<int> layers, int chosen) : IForwardObserver, IDisposable
{
    private int[] _experts = []; // of the pass, [rows, layers, K]
    private bool _decodes;

    public bool NeedsHidden => false;

    public void OnPass(int longest) => _decodes = longest == 1;

    public void OnHidden(int index, Tensor hidden)
    {
        // Only routing is recorded.
    }

    public void OnRouting(int layer, Routing routing)
    {
        var place = IndexOf(layer);
        if (!_decodes || place < 0)
            return; // a prompt, or the prediction layer

        var record = layers.Count * chosen;
        if (place == 0)
            _experts = new int[routing.Tokens * record];
        for (var row = 0; row < routing.Tokens; row++)
            routing.Experts.AsSpan(row * chosen, chosen).CopyTo(_experts.AsSpan((row * record) + (place * chosen)));
        if (place < layers.Count - 1)
            return;
        for (var row = 0; row < routing.Tokens; row++)
            writer.Append(_experts.AsSpan(row * record, record));
    }

    public void Dispose() => writer.Dispose();

    private int IndexOf(int layer)
    {
        for (var i = 0; i < layers.Count; i++)
        {
            if (layers[i] == layer)
                return i;
        }

        return -1;
    }
}
