using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Configuration;

/// <summary>What a configuration may not state: every message, by the key at fault.</summary>
public sealed class ModelConfigFaultTests
{
    public static TheoryData<string, string, string?, string> Faults => new()
    {
        { "v3-fp32", "hidden_size", null, "hidden_size is missing; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "hidden_size", "0", "hidden_size is 0; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "hidden_size", "-64", "hidden_size is -64; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "hidden_size", "64.5", "hidden_size is 64.5; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "hidden_size", "\"64\"", "hidden_size is \"64\"; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "hidden_size", "true", "hidden_size is true; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "hidden_size", "99999999999999999999", "hidden_size is 99999999999999999999; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "vocab_size", "0", "vocab_size is 0; it must be a whole number, 1 to 16777216." },
        { "v3-fp32", "intermediate_size", "[96]", "intermediate_size is an array; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "num_hidden_layers", "1000000", "num_hidden_layers is 1000000; it must be a whole number, 1 to 4096." },
        { "v3-fp32", "num_attention_heads", "{}", "num_attention_heads is an object; it must be a whole number, 1 to 16384." },
        { "v3-fp32", "num_key_value_heads", "2", "num_key_value_heads is 2; it must be num_attention_heads, 4, since latent attention groups no heads." },
        { "v3-fp32", "max_position_embeddings", "0", "max_position_embeddings is 0; it must be a whole number, 1 to 268435456." },
        { "v3-fp32", "rms_norm_eps", "0", "rms_norm_eps is 0; it must be a number, 1E-12 to 1." },
        { "v3-fp32", "rms_norm_eps", "1e999", "rms_norm_eps is 1e999; it must be a number, 1E-12 to 1." },
        { "v3-fp32", "rms_norm_eps", "\"NaN\"", "rms_norm_eps is \"NaN\"; it must be a number, 1E-12 to 1." },
        { "v3-fp32", "rope_theta", "1", "rope_theta is 1; it must be a number, 1.0001 to 1000000000000." },
        { "v3-fp32", "tie_word_embeddings", "0", "tie_word_embeddings is 0; it must be true or false." },
        { "v3-fp32", "hidden_act", "\"gelu\"", "hidden_act is \"gelu\"; it must be \"silu\"." },
        { "v3-fp32", "hidden_act", "1", "hidden_act is 1; it must be a text." },
        { "v3-fp32", "mlp_bias", "true", "mlp_bias is true; feed-forward layers are computed without biases." },
        { "v3-fp32", "attention_bias", "true", "attention_bias is true; latent attention is computed without biases." },
        { "v3-fp32", "rope_interleave", "false", "rope_interleave is false; rotary pairs of latent attention are interleaved (2i, 2i+1)." },
        { "v3-fp32", "kv_lora_rank", null, "kv_lora_rank is missing; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "q_lora_rank", "0", "q_lora_rank is 0; it must be a whole number, 1 to 1048576." },
        { "v3-fp32", "qk_rope_head_dim", "7", "qk_rope_head_dim is 7; it must be even, since rotary pairs two values." },
        { "v3-fp32", "n_routed_experts", "null", "n_routed_experts is missing; it must be a whole number, 1 to 65536." },
        { "v3-fp32", "n_routed_experts", "18", "n_routed_experts is 18; it must be a multiple of n_group, 4." },
        { "v3-fp32", "n_routed_experts", "4", "n_routed_experts is 4; it must be at least twice n_group, 4, since a group is ranked by its two best experts." },
        { "v3-fp32", "num_experts_per_tok", "17", "num_experts_per_tok is 17; it must be at most n_routed_experts, 16." },
        { "v3-fp32", "num_experts_per_tok", "9", "num_experts_per_tok is 9; it must be at most 8, the experts of 2 groups." },
        { "v3-fp32", "topk_group", "5", "topk_group is 5; it must be at most n_group, 4." },
        { "v3-fp32", "first_k_dense_replace", "4", "first_k_dense_replace is 4; it must be at most num_hidden_layers, 3." },
        { "v3-fp32", "moe_layer_freq", "0", "moe_layer_freq is 0; it must be a whole number, 1 to 4096." },
        { "v3-fp32", "num_nextn_predict_layers", "-1", "num_nextn_predict_layers is -1; it must be a whole number, 0 to 16." },
        { "v3-fp32", "scoring_func", "\"softmax\"", "scoring_func is \"softmax\" with topk_method \"noaux_tc\"; sigmoid with noaux_tc is supported here." },
        { "v2", "topk_method", "\"noaux_tc\"", "scoring_func is \"softmax\" with topk_method \"noaux_tc\"; softmax with greedy or group_limited_greedy is supported here." },
        { "v2", "norm_topk_prob", "true", "norm_topk_prob is true; DeepSeek-V2 routing is computed without renormalisation, as in all published models." },
        { "v3-fp32", "bos_token_id", "256", "bos_token_id is 256; it must be a whole number, 0 to 255." },
        { "v3-fp32", "eos_token_id", "[1, 256]", "eos_token_id holds 256; it must be a token, 0 to 255, or a list of such." },
        { "v3-fp32", "eos_token_id", "-1", "eos_token_id holds -1; it must be a token, 0 to 255, or a list of such." },
        { "v3-fp32", "rope_scaling.type", "\"dynamic\"", "rope_scaling.type is \"dynamic\"; supported are default, yarn and llama3." },
        { "v3-fp32", "rope_scaling.rope_type", "\"linear\"", "rope_scaling.rope_type is \"linear\", rope_scaling.type \"yarn\"; they must agree. rope_scaling.rope_type is \"linear\"; supported are default, yarn and llama3." },
        { "v3-fp32", "rope_scaling.type", null, "rope_scaling.rope_type is missing, though a factor is stated; it must be default, yarn or llama3." },
        { "v3-fp32", "rope_scaling.factor", null, "rope_scaling.factor is missing; it must be a number, 1 to 1000000." },
        { "v3-fp32", "rope_scaling.factor", "0.5", "rope_scaling.factor is 0.5; it must be a number, 1 to 1000000." },
        { "v3-fp32", "rope_scaling.original_max_position_embeddings", null, "rope_scaling.original_max_position_embeddings is missing; it must be a whole number, 1 to 268435456." },
        { "v3-fp32", "rope_scaling.beta_fast", "0.5", "rope_scaling.beta_fast is 0.5; it must be at least beta_slow, 1." },
        { "v3-fp32", "rope_scaling.attention_factor", "1.2", "rope_scaling.attention_factor is stated; only the magnitude that mscale and mscale_all_dim give is computed." },
        { "v3-fp32", "rope_scaling.truncate", "false", "rope_scaling.truncate is false; only whole bounds of the ramp are computed." },
        { "v3-fp32", "rope_scaling", "\"yarn\"", "rope_scaling is \"yarn\"; it must be an object." },
        { "distill-llama", "rope_scaling.high_freq_factor", "1", "rope_scaling.high_freq_factor is 1; it must be above low_freq_factor, 1." },
        { "distill-llama", "rope_scaling.low_freq_factor", "0", "rope_scaling.low_freq_factor is 0; it must be a number, 0.001 to 1000000." },
        { "distill-llama", "attention_bias", "true", "attention_bias is true; Llama models are computed without biases." },
        { "distill-llama", "num_key_value_heads", "3", "num_key_value_heads is 3; it must divide num_attention_heads, 4." },
        { "distill-llama", "num_attention_heads", "6", "num_attention_heads is 6; it must divide hidden_size, 64, where head_dim is absent." },
        { "distill-llama", "head_dim", "15", "head_dim is 15; it must be even, 2 to 16384, since rotary pairs two values." },
        { "distill-llama", "partial_rotary_factor", "0.5", "partial_rotary_factor is 0.5; it must be 1: whole heads rotate." },
        { "distill-qwen2", "use_sliding_window", "true", "use_sliding_window is true; attention is computed over the whole context only." },
        { "distill-qwen2", "use_mrope", "true", "use_mrope is true; rotary positions in several dimensions are not computed." },
        { "distill-qwen2", "layer_types", "[\"full_attention\", \"sliding_attention\"]", "layer_types holds \"sliding_attention\"; every layer must be \"full_attention\"." },
        { "distill-qwen2", "num_key_value_heads", null, "num_key_value_heads is 32; it must divide num_attention_heads, 4." },
        { "v3-fp8", "quantization_config.quant_method", "\"gptq\"", "quantization_config.quant_method is \"gptq\"; supported are fp8 and bitsandbytes. Otherwise use the checkpoint without quantization." },
        { "v3-fp8", "quantization_config.quant_method", null, "quantization_config.quant_method is missing; supported are fp8 and bitsandbytes. Otherwise use the checkpoint without quantization." },
        { "v3-fp8", "quantization_config.fmt", "\"e5m2\"", "quantization_config.fmt is \"e5m2\"; it must be \"e4m3\"." },
        { "v3-fp8", "quantization_config.activation_scheme", "\"static\"", "quantization_config.activation_scheme is \"static\"; it must be \"dynamic\"." },
        { "v3-fp8", "quantization_config.weight_block_size", null, "quantization_config.weight_block_size is missing; it must be two whole numbers, 1 to 4096: rows and columns that share a scale." },
        { "v3-fp8", "quantization_config.weight_block_size", "[128]", "quantization_config.weight_block_size is [128]; it must be two whole numbers, 1 to 4096: rows and columns that share a scale." },
        { "v3-fp8", "quantization_config.weight_block_size", "[128, 0]", "quantization_config.weight_block_size is [128, 0]; it must be two whole numbers, 1 to 4096: rows and columns that share a scale." },
        { "bnb-qwen2/bnb", "quantization_config.load_in_4bit", "false", "quantization_config.load_in_4bit is not true; of bitsandbytes only 4 bits are supported." },
        { "bnb-qwen2/bnb", "quantization_config.load_in_8bit", "true", "quantization_config.load_in_8bit is true; of bitsandbytes only 4 bits are supported." },
        { "bnb-qwen2/bnb", "quantization_config.bnb_4bit_quant_type", "\"fp4\"", "quantization_config.bnb_4bit_quant_type is \"fp4\"; it must be \"nf4\"." },
        { "bnb-qwen2/bnb", "quantization_config.bnb_4bit_quant_type", null, "quantization_config.bnb_4bit_quant_type is missing; it must be \"nf4\"." },
        { "bnb-qwen2/bnb", "quantization_config.bnb_4bit_quant_storage", "\"bfloat16\"", "quantization_config.bnb_4bit_quant_storage is \"bfloat16\"; it must be \"uint8\"." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Parse_OneFault_NamesKeyValueAndRange(string fixture, string key, string? value, string expected)
    {
        var e = ConfigText.Refused(fixture, (key, value));

        Assert.Equal($"config.json: {e.Subject}: {expected}", e.Message);
        Assert.StartsWith(e.Subject!, expected, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_SeveralFaults_ReportsAllAtOnce()
    {
        var e = ConfigText.Refused("v3-fp32", ("hidden_size", "0"), ("hidden_act", "\"relu\""), ("rope_scaling.factor", "-1"));

        Assert.Equal("rope_scaling.factor, hidden_size, hidden_act", e.Subject);
        Assert.Contains("hidden_size is 0", e.Message, StringComparison.Ordinal);
        Assert.Contains("hidden_act is \"relu\"", e.Message, StringComparison.Ordinal);
        Assert.Contains("rope_scaling.factor is -1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_SizesThatMultiplyBeyondAnyModel_AreRefused()
    {
        var e = ConfigText.Refused("v3-fp32", ("hidden_size", "1048576"), ("n_routed_experts", "65536"), ("moe_intermediate_size", "1048576"));

        Assert.Contains("more than 100000000000000 parameters", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_KeyStatedTwice_IsRefused()
    {
        var json = ConfigText.With("v3-fp32").Insert(1, "\"hidden_size\": 128, ");

        var e = Assert.Throws<CheckpointFormatException>(() => Inference.Configuration.ModelConfig.Parse(json, ConfigText.File));

        Assert.Equal("config.json: hidden_size: hidden_size is stated twice; which one counts is unknown.", e.Message);
    }

    [Theory]
    [InlineData("{\"\\ud800\": 1}", "(key)", "A key is not valid Unicode text.")]
    [InlineData("{\"model_type\": \"\\ud800\"}", "model_type", "model_type is a text that is not valid Unicode; it must be a text.")]
    public void Parse_UnpairedSurrogate_IsRefused(string json, string subject, string reason)
    {
        var e = Assert.Throws<CheckpointFormatException>(() => Inference.Configuration.ModelConfig.Parse(json, ConfigText.File));

        Assert.Equal($"config.json: {subject}: {reason}", e.Message);
    }

    [Fact]
    public void Parse_LongHostileText_IsShownShortAndHarmless()
    {
        var e = ConfigText.Refused("v3-fp32", ("hidden_act", "\"\\u001b[31m" + new string('x', 100_000) + "\""));

        Assert.True(e.Message.Length < 400);
        Assert.DoesNotContain('\u001b', e.Message);
    }

    [Fact]
    public void Parse_TooManyEndTokens_IsRefused()
    {
        var e = ConfigText.Refused("v3-fp32", ("eos_token_id", "[" + string.Join(",", Enumerable.Repeat("1", 1025)) + "]"));

        Assert.Equal("config.json: eos_token_id: eos_token_id lists 1025 tokens; it may list up to 1024.", e.Message);
    }
}
