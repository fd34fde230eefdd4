namespace Deepseek.Inference.Configuration;

/// <summary>How a router scores experts and chooses among them.</summary>
public enum RoutingMethod
{
    /// <summary>Sigmoid scores, a selection bias, groups ranked by their two best (V3, R1): <c>noaux_tc</c>.</summary>
    SigmoidNoAuxiliaryLoss,

    /// <summary>Softmax scores, the best of all (V2-Lite): <c>greedy</c>.</summary>
    SoftmaxGreedy,

    /// <summary>Softmax scores, groups ranked by their best expert (V2): <c>group_limited_greedy</c>.</summary>
    SoftmaxGroupLimited,
}
