namespace Deepseek.Inference.Configuration;

/// <summary>Puts a configuration together from its parts.</summary>
internal static class ConfigReader
{
    // DeepSeek-V3, DeepSeek-V2, Qwen2 and Llama: configuration_*.py of huggingface/transformers@001f85b (V2: @008e574).
    private const double DefaultEpsilon = 1e-6;

    /// <returns>Null where the architecture is unknown; otherwise a configuration to use only when no fault was recorded.</returns>
    internal static ModelConfig? Read(ConfigObject root)
    {
        if (ArchitectureReader.Read(root) is not { } architecture)
            return null;

        var latent = architecture is ModelArchitecture.DeepseekV2 or ModelArchitecture.DeepseekV3;
        var (theta, scaling) = RopeReader.Read(root);
        var common = new ModelConfig
        {
            Architecture = architecture,
            VocabularySize = root.RequiredInt("vocab_size", 1, ConfigLimits.Vocabulary),
            HiddenSize = root.RequiredInt("hidden_size", 1, ConfigLimits.Width),
            IntermediateSize = root.RequiredInt("intermediate_size", 1, ConfigLimits.Width),
            LayerCount = root.RequiredInt("num_hidden_layers", 1, ConfigLimits.Layers),
            HeadCount = root.RequiredInt("num_attention_heads", 1, ConfigLimits.Heads),
            KeyValueHeadCount = 0,
            HeadSize = 0,
            MaxPositions = root.Int("max_position_embeddings", 1, ConfigLimits.Positions, DefaultPositions(architecture)),
            RmsNormEpsilon = root.Real("rms_norm_eps", 1e-12, 1, DefaultEpsilon),
            RopeTheta = theta,
            RopeScaling = scaling,
            TieWordEmbeddings = root.Flag("tie_word_embeddings", absent: false),
            DataType = root.Text("dtype") ?? root.Text("torch_dtype"),
            Quantization = QuantizationReader.Read(root),
        };
        RefuseOtherActivations(root);

        var config = latent ? ReadLatent(root, common) : DenseReader.Read(root, common);
        config = TokenReader.Read(root, config);
        if (root.Faults.None)
            CheckSize(root, config);
        return config;
    }

    private static ModelConfig ReadLatent(ConfigObject root, ModelConfig common)
    {
        var latent = LatentAttentionReader.Read(root);
        var keyValueHeads = root.Int("num_key_value_heads", 1, ConfigLimits.Heads, common.HeadCount);
        if (root.Faults.None && keyValueHeads != common.HeadCount)
        {
            root.Refuse("num_key_value_heads", FormattableString.Invariant(
                $"num_key_value_heads is {keyValueHeads}; it must be num_attention_heads, {common.HeadCount}, since latent attention groups no heads."));
        }

        return common with
        {
            KeyValueHeadCount = common.HeadCount,
            HeadSize = latent.NopeHeadSize + latent.RopeHeadSize,
            LatentAttention = latent,
            Experts = ExpertReader.Read(root, common.Architecture, common.LayerCount),
            MultiTokenPredictionLayers = common.Architecture == ModelArchitecture.DeepseekV3
                ? root.Int("num_nextn_predict_layers", 0, ConfigLimits.PredictionLayers, 0)
                : 0,
        };
    }

    private static void RefuseOtherActivations(ConfigObject root)
    {
        if (root.Text("hidden_act") is { } activation && activation != "silu")
            root.Refuse("hidden_act", $"hidden_act is {UntrustedText.Quote(activation)}; it must be \"silu\".");
        if (root.Flag("mlp_bias", absent: false))
            root.Refuse("mlp_bias", "mlp_bias is true; feed-forward layers are computed without biases.");
    }

    // Sizes that are each in range can still multiply to a model that no disk holds.
    private static void CheckSize(ConfigObject root, ModelConfig config)
    {
        bool fits;
        try
        {
            fits = ParameterCounts.Of(config).TotalWithPrediction <= ConfigLimits.Parameters;
        }
        catch (OverflowException)
        {
            fits = false;
        }

        if (!fits)
        {
            root.Refuse("num_hidden_layers, hidden_size, …", FormattableString.Invariant(
                $"The sizes describe a model of more than {ConfigLimits.Parameters} parameters; at least one of them is wrong."));
        }
    }

    private static int DefaultPositions(ModelArchitecture architecture) => architecture switch
    {
        ModelArchitecture.DeepseekV3 => 4096,
        ModelArchitecture.Qwen2 => 32768,
        _ => 2048,
    };
}
