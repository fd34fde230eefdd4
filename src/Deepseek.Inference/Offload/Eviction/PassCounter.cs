namespace Deepseek.Inference.Offload.Eviction;

/// <summary>Tells from demands alone how often the layers have been passed through: whoever goes back to a lower layer has begun anew.</summary>
/// <remarks>Sequences that are decoded apart and interleave pass more often than each of them does; what follows from the count is only how fast old demands fade.</remarks>
internal struct PassCounter(int expertsPerLayer)
{
    /// <summary>Passes that have begun, less one.</summary>
    public int Pass { get; private set; }

    /// <summary>The layer, among those that have experts, that demanded last.</summary>
    public int Layer { get; private set; }

    /// <summary>Follows a demand.</summary>
    public void Follow(int expert)
    {
        var layer = expert / expertsPerLayer;
        if (layer < Layer)
            Pass++;
        Layer = layer;
    }
}
