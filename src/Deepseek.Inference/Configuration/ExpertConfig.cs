namespace Deepseek.Inference.Configuration;

/// <summary>Shape of the expert mixture (DeepSeekMoE, arXiv:2412.19437, §2.1.2).</summary>
/// <param name="RoutedCount">E: routed experts of a layer.</param>
/// <param name="SharedCount">Shared experts, fused into one feed-forward of that many times the width; may be 0.</param>
/// <param name="ChosenCount">K: routed experts of a token.</param>
/// <param name="IntermediateSize">I: inner width of one expert.</param>
/// <param name="FirstDenseLayers">Layers at the start that have a dense feed-forward instead of a mixture.</param>
/// <param name="LayerFrequency">Every how many layers is a mixture, counted from layer 0; 1 in all published models.</param>
/// <param name="GroupCount">G: groups of experts; 1 where there are none.</param>
/// <param name="KeptGroups">Gk: groups that survive; 1 where there are no groups.</param>
/// <param name="Method">How experts are scored and chosen.</param>
/// <param name="Renormalise">The chosen weights are divided by their sum.</param>
/// <param name="Scale">Factor of the weights, applied last.</param>
public sealed record ExpertConfig(
    int RoutedCount, int SharedCount, int ChosenCount, int IntermediateSize, int FirstDenseLayers, int LayerFrequency,
    int GroupCount, int KeptGroups, RoutingMethod Method, bool Renormalise, double Scale)
{
    /// <summary>Whether a decoder layer has a mixture rather than a dense feed-forward.</summary>
    /// <param name="layer">The layer's number, from 0.</param>
    public bool IsMixture(int layer) => layer >= FirstDenseLayers && layer % LayerFrequency == 0;
}
