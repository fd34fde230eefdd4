using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>A model of V3's shape but tiny, of random weights: rows that are no multiple of a block, and groups of experts.</summary>
internal static class SmallModel
{
    public const int Layers = 3;
    public const int PerLayer = 24;
    public const int Chosen = 3;
    public const int Experts = (Layers - 1) * PerLayer;

    public static ModelConfig Config { get; } = KnownModels.R1 with
    {
        HiddenSize = 96,
        IntermediateSize = 160,
        LayerCount = Layers,
        HeadCount = 4,
        KeyValueHeadCount = 4,
        HeadSize = 48,
        VocabularySize = 320,
        MultiTokenPredictionLayers = 0,
        LatentAttention = new LatentAttentionConfig(48, 64, 32, 16, 32),
        Experts = KnownModels.R1.Experts! with { RoutedCount = PerLayer, ChosenCount = Chosen, IntermediateSize = 72, FirstDenseLayers = 1, GroupCount = 4, KeptGroups = 2 },
    };

    public static Task SynthesizeAsync(string folder) =>
        StoreSynthesizer.SynthesizeAsync(Config, folder, new SyntheticOptions { Skew = 0.5 }, cancellationToken: TestContext.Current.CancellationToken);
}
