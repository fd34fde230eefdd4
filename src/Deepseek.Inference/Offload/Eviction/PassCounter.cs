namespace Deepseek.Inference.Offload.Eviction;

/// <summary>Tells from demands alone how often the layers have been passed through: whoever goes back to a lower layer has begun anew.</summary>
/// <remarks>
/// Sequences that are decoded apart and interleave pass more often than each of them does. Where only one layer has experts, a pass begins when an expert is demanded again, which takes a few passes for one. What follows from the
/// count is only how fast old demands fade.
/// </remarks>
internal struct PassCounter(int experts, int expertsPerLayer)
{
    private readonly int[] _seen = new int[experts == expertsPerLayer ? experts : 0]; // one layer: the pass of the last demand, plus 1

    /// <summary>Passes that have begun, less one.</summary>
    public int Pass { get; private set; }

    /// <summary>The layer, among those that have experts, that demanded last.</summary>
    public int Layer { get; private set; }

    /// <summary>Follows a demand.</summary>
    public void Follow(int expert)
    {
        var layer = expert / expertsPerLayer;
        if (layer < Layer || (_seen.Length > 0 && _seen[expert] == Pass + 1))
            Pass++;
        Layer = layer;
        if (_seen.Length > 0)
            _seen[expert] = Pass + 1;
    }
}
