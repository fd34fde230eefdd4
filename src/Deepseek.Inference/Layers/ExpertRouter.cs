using Deepseek.Inference.Configuration;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Chooses the routed experts of every token.</summary>
/// <remarks>
/// The scores are a product of tensors; choosing runs on the host, whatever the device, since the host must know which experts to bring.
/// </remarks>
internal sealed partial class ExpertRouter(ExpertConfig config, WeightMatrix centroids, float[]? bias) : IDisposable // centroids [E, D], bias [E]
{
    public Routing Forward(Tensor x, ForwardPass pass) // [N, D]
    {
        using var scores = pass.Operations.Linear(x, centroids); // [N, E], fp32
        var logits = scores.ToArray<float>();
        var tokens = logits.Length / config.RoutedCount;
        var routing = new Routing(new int[tokens * config.ChosenCount], new float[tokens * config.ChosenCount], config.ChosenCount);
        var selection = new ExpertSelection(config, bias);
        for (var token = 0; token < tokens; token++)
        {
            selection.Choose(
                logits.AsSpan(token * config.RoutedCount, config.RoutedCount),
                routing.Experts.AsSpan(token * config.ChosenCount, config.ChosenCount),
                routing.Weights.AsSpan(token * config.ChosenCount, config.ChosenCount));
        }

        return routing;
    }

    public void Dispose() => centroids.Dispose();
}
