namespace Deepseek.Inference.Layers;

/// <summary>The routed experts of N tokens and how much each counts.</summary>
/// <param name="Experts">Expert numbers, [N, K], ascending within a token.</param>
/// <param name="Weights">Their factors, [N, K], scale included.</param>
/// <param name="Chosen">K.</param>
internal sealed record Routing(int[] Experts, float[] Weights, int Chosen)
{
    /// <summary>N.</summary>
    public int Tokens => Experts.Length / Chosen;
}
