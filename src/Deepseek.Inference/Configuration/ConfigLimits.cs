namespace Deepseek.Inference.Configuration;

/// <summary>The largest sizes that a configuration may state.</summary>
/// <remarks>
/// Far beyond any published model, and small enough that a product of two fits into a signed 64-bit
/// integer: a wrong or hostile file is refused by name here, not by a failed allocation later.
/// </remarks>
internal static class ConfigLimits
{
    internal const int Vocabulary = 1 << 24;
    internal const int Width = 1 << 20;
    internal const int Layers = 1 << 12;
    internal const int Heads = 1 << 14;
    internal const int HeadSize = 1 << 14;
    internal const int Experts = 1 << 16;
    internal const int SharedExperts = 1 << 10; // times Width still fits into an int
    internal const int PredictionLayers = 16;
    internal const int Positions = 1 << 28;
    internal const int EndTokens = 1 << 10;
    internal const int QuantizationBlock = 1 << 12;

    /// <summary>Parameters of a whole model: a hundred times the largest that is published.</summary>
    internal const long Parameters = 100_000_000_000_000;

    /// <summary>Bytes of a config.json; published ones have some 2,000, those with long lists of skipped modules 100,000.</summary>
    internal const int FileBytes = 16 << 20;
}
