using System.Buffers;
using System.Text.Json;

namespace Deepseek.Inference.Configuration;

/// <summary>Writes a configuration as a <c>config.json</c> with the published keys.</summary>
internal static class ModelConfigWriter
{
    /// <summary>The text that <see cref="ModelConfig.Parse(ReadOnlySpan{byte}, string)"/> makes the same configuration of, less the checkpoint's: data type and quantization.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="more">Writes further properties; null for none.</param>
    /// <returns>UTF-8 JSON.</returns>
    public static byte[] ToJson(ModelConfig config, Action<Utf8JsonWriter>? more = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteCommon(json, config);
            if (config.LatentAttention is { } latent)
                WriteLatent(json, latent);
            else
                json.WriteNumber("head_dim", config.HeadSize);
            if (config.Experts is { } experts)
                WriteExperts(json, experts);
            if (config.MultiTokenPredictionLayers > 0)
                json.WriteNumber("num_nextn_predict_layers", config.MultiTokenPredictionLayers);
            WriteRope(json, config);
            WriteTokens(json, config);
            more?.Invoke(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteCommon(Utf8JsonWriter json, ModelConfig config)
    {
        var (name, type) = config.Architecture switch
        {
            ModelArchitecture.DeepseekV2 => ("DeepseekV2ForCausalLM", "deepseek_v2"),
            ModelArchitecture.DeepseekV3 => ("DeepseekV3ForCausalLM", "deepseek_v3"),
            ModelArchitecture.Qwen2 => ("Qwen2ForCausalLM", "qwen2"),
            ModelArchitecture.Llama => ("LlamaForCausalLM", "llama"),
            var unknown => throw new ArgumentOutOfRangeException(nameof(config), unknown, "The architecture is unknown."),
        };
        json.WriteStartArray("architectures");
        json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteString("model_type", type);
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        json.WriteNumber("num_hidden_layers", config.LayerCount);
        json.WriteNumber("num_attention_heads", config.HeadCount);
        json.WriteNumber("num_key_value_heads", config.KeyValueHeadCount);
        json.WriteNumber("max_position_embeddings", config.MaxPositions);
        json.WriteNumber("rms_norm_eps", config.RmsNormEpsilon);
        json.WriteString("hidden_act", "silu");
        json.WriteBoolean("tie_word_embeddings", config.TieWordEmbeddings);
    }

    private static void WriteLatent(Utf8JsonWriter json, LatentAttentionConfig latent)
    {
        // null states that queries are not compressed; an absent key would mean a default.
        if (latent.QueryRank is { } rank)
            json.WriteNumber("q_lora_rank", rank);
        else
            json.WriteNull("q_lora_rank");
        json.WriteNumber("kv_lora_rank", latent.LatentRank);
        json.WriteNumber("qk_nope_head_dim", latent.NopeHeadSize);
        json.WriteNumber("qk_rope_head_dim", latent.RopeHeadSize);
        json.WriteNumber("v_head_dim", latent.ValueHeadSize);
    }

    private static void WriteExperts(Utf8JsonWriter json, ExpertConfig experts)
    {
        var (scoring, method) = experts.Method switch
        {
            RoutingMethod.SigmoidNoAuxiliaryLoss => ("sigmoid", "noaux_tc"),
            RoutingMethod.SoftmaxGreedy => ("softmax", "greedy"),
            RoutingMethod.SoftmaxGroupLimited => ("softmax", "group_limited_greedy"),
            var unknown => throw new ArgumentOutOfRangeException(nameof(experts), unknown, "The routing method is unknown."),
        };
        json.WriteNumber("n_routed_experts", experts.RoutedCount);
        json.WriteNumber("n_shared_experts", experts.SharedCount);
        json.WriteNumber("num_experts_per_tok", experts.ChosenCount);
        json.WriteNumber("moe_intermediate_size", experts.IntermediateSize);
        json.WriteNumber("first_k_dense_replace", experts.FirstDenseLayers);
        json.WriteNumber("moe_layer_freq", experts.LayerFrequency);
        json.WriteNumber("n_group", experts.GroupCount);
        json.WriteNumber("topk_group", experts.KeptGroups);
        json.WriteString("scoring_func", scoring);
        json.WriteString("topk_method", method);
        json.WriteBoolean("norm_topk_prob", experts.Renormalise);
        json.WriteNumber("routed_scaling_factor", experts.Scale);
    }

    private static void WriteRope(Utf8JsonWriter json, ModelConfig config)
    {
        json.WriteNumber("rope_theta", config.RopeTheta);
        if (config.RopeScaling is null)
            return;
        json.WriteStartObject("rope_scaling");
        switch (config.RopeScaling)
        {
            case YarnRopeScaling yarn:
                json.WriteString("type", "yarn");
                json.WriteNumber("factor", yarn.Factor);
                json.WriteNumber("original_max_position_embeddings", yarn.OriginalPositions);
                json.WriteNumber("beta_fast", yarn.BetaFast);
                json.WriteNumber("beta_slow", yarn.BetaSlow);
                json.WriteNumber("mscale", yarn.Magnitude);
                json.WriteNumber("mscale_all_dim", yarn.MagnitudeAllDimensions);
                break;
            case Llama3RopeScaling llama:
                json.WriteString("rope_type", "llama3");
                json.WriteNumber("factor", llama.Factor);
                json.WriteNumber("low_freq_factor", llama.LowFrequencyFactor);
                json.WriteNumber("high_freq_factor", llama.HighFrequencyFactor);
                json.WriteNumber("original_max_position_embeddings", llama.OriginalPositions);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteTokens(Utf8JsonWriter json, ModelConfig config)
    {
        if (config.BeginToken is { } begin)
            json.WriteNumber("bos_token_id", begin);
        else
            json.WriteNull("bos_token_id");

        if (config.EndTokens.Count == 1)
        {
            json.WriteNumber("eos_token_id", config.EndTokens[0]);
            return;
        }

        json.WriteStartArray("eos_token_id"); // an absent key would mean a default
        foreach (var token in config.EndTokens)
            json.WriteNumberValue(token);
        json.WriteEndArray();
    }
}
