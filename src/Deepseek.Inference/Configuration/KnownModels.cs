namespace Deepseek.Inference.Configuration;

/// <summary>Published models whose configuration is known without their files, for planning before a download.</summary>
/// <remarks>Sizes from the published configurations of deepseek-ai's DeepSeek-R1, -V3, -V2 and -V2-Lite.</remarks>
public static class KnownModels
{
    private static readonly Dictionary<string, ModelConfig> Models = new(StringComparer.OrdinalIgnoreCase)
    {
        ["r1"] = CreateV3(),
        ["v3"] = CreateV3(),
        ["v2"] = CreateV2(),
        ["v2-lite"] = CreateV2Lite(),
        ["kimi-k2"] = CreateKimiK2(),
        ["moonlight"] = CreateMoonlight(),
    };

    /// <summary>DeepSeek-R1, 671 B parameters.</summary>
    public static ModelConfig R1 => Models["r1"];

    /// <summary>DeepSeek-V3, of the same shape as R1.</summary>
    public static ModelConfig V3 => Models["v3"];

    /// <summary>DeepSeek-V2, 236 B parameters.</summary>
    public static ModelConfig V2 => Models["v2"];

    /// <summary>DeepSeek-V2-Lite, 15.7 B parameters.</summary>
    public static ModelConfig V2Lite => Models["v2-lite"];

    /// <summary>Kimi-K2, about 1,000 B parameters. Recalled, not checked against the published file: see <see cref="IsVerified"/>.</summary>
    public static ModelConfig KimiK2 => Models["kimi-k2"];

    /// <summary>Moonlight-16B-A3B. Recalled, not checked against the published file: see <see cref="IsVerified"/>.</summary>
    public static ModelConfig Moonlight => Models["moonlight"];

    /// <summary>The names that <see cref="ByName"/> takes.</summary>
    public static IReadOnlyCollection<string> Names => Models.Keys;

    /// <summary>A model by its short name; upper and lower case count the same.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is none of them.</exception>
    public static ModelConfig ByName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Models.TryGetValue(name, out var model) ? model : throw Unknown(name);
    }

    /// <summary>Whether a model's sizes were read from its published file; false for those that are only recalled.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is none of them.</exception>
    public static bool IsVerified(string name) => ByName(name) is var model && model != KimiK2 && model != Moonlight;

    private static ArgumentException Unknown(string name) =>
        new($"The model is {UntrustedText.Quote(name)}; it must be one of {string.Join(", ", Names)}, or the folder of a checkpoint must be given.", nameof(name));

    private static YarnRopeScaling Yarn(double factor, double betaFast, double magnitude) => new(factor, 4096, betaFast, 1, magnitude, magnitude);

    private static ModelConfig CreateV3() => new()
    {
        Architecture = ModelArchitecture.DeepseekV3,
        VocabularySize = 129280,
        HiddenSize = 7168,
        IntermediateSize = 18432,
        LayerCount = 61,
        HeadCount = 128,
        KeyValueHeadCount = 128,
        HeadSize = 192,
        MaxPositions = 163840,
        RmsNormEpsilon = 1e-6,
        RopeTheta = 10000,
        RopeScaling = Yarn(40, 32, 1.0),
        LatentAttention = new LatentAttentionConfig(1536, 512, 128, 64, 128),
        Experts = new ExpertConfig(256, 1, 8, 2048, 3, 1, 8, 4, RoutingMethod.SigmoidNoAuxiliaryLoss, Renormalise: true, Scale: 2.5),
        MultiTokenPredictionLayers = 1,
        DataType = "bfloat16",
        Quantization = new CheckpointQuantization("fp8", 128, 128),
        BeginToken = 0,
        EndTokens = [1],
    };

    private static ModelConfig CreateV2() => new()
    {
        Architecture = ModelArchitecture.DeepseekV2,
        VocabularySize = 102400,
        HiddenSize = 5120,
        IntermediateSize = 12288,
        LayerCount = 60,
        HeadCount = 128,
        KeyValueHeadCount = 128,
        HeadSize = 192,
        MaxPositions = 163840,
        RmsNormEpsilon = 1e-6,
        RopeTheta = 10000,
        RopeScaling = Yarn(40, 32, 0.707),
        LatentAttention = new LatentAttentionConfig(1536, 512, 128, 64, 128),
        Experts = new ExpertConfig(160, 2, 6, 1536, 1, 1, 8, 3, RoutingMethod.SoftmaxGroupLimited, Renormalise: false, Scale: 16),
        DataType = "bfloat16",
        BeginToken = 100000,
        EndTokens = [100001],
    };

    private static ModelConfig CreateV2Lite() => CreateV2() with
    {
        HiddenSize = 2048,
        IntermediateSize = 10944,
        LayerCount = 27,
        HeadCount = 16,
        KeyValueHeadCount = 16,
        LatentAttention = new LatentAttentionConfig(null, 512, 128, 64, 128),
        Experts = new ExpertConfig(64, 2, 6, 1408, 1, 1, 1, 1, RoutingMethod.SoftmaxGreedy, Renormalise: false, Scale: 1),
    };

    private static ModelConfig CreateKimiK2() => CreateV3() with
    {
        VocabularySize = 163840,
        HeadCount = 64,
        KeyValueHeadCount = 64,
        MaxPositions = 131072,
        RopeTheta = 50000,
        RopeScaling = Yarn(32, 1, 1.0),
        Experts = new ExpertConfig(384, 1, 8, 2048, 1, 1, 1, 1, RoutingMethod.SigmoidNoAuxiliaryLoss, Renormalise: true, Scale: 2.827),
        MultiTokenPredictionLayers = 0,
        BeginToken = 163584,
        EndTokens = [163585],
    };

    private static ModelConfig CreateMoonlight() => CreateKimiK2() with
    {
        HiddenSize = 2048,
        IntermediateSize = 11264,
        LayerCount = 27,
        HeadCount = 16,
        KeyValueHeadCount = 16,
        MaxPositions = 8192,
        RmsNormEpsilon = 1e-5,
        RopeScaling = null,
        LatentAttention = new LatentAttentionConfig(null, 512, 128, 64, 128),
        Experts = new ExpertConfig(64, 2, 6, 1408, 1, 1, 1, 1, RoutingMethod.SigmoidNoAuxiliaryLoss, Renormalise: true, Scale: 2.446),
        Quantization = null,
    };
}
