using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Tests.Configuration;

public sealed class KnownModelsTests
{
    // The configuration as deepseek-ai publishes it with R1, less what is only for training.
    private const string R1 = """
        {
          "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "vocab_size": 129280, "hidden_size": 7168,
          "intermediate_size": 18432, "moe_intermediate_size": 2048, "num_hidden_layers": 61, "num_nextn_predict_layers": 1,
          "num_attention_heads": 128, "num_key_value_heads": 128, "n_shared_experts": 1, "n_routed_experts": 256,
          "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4, "routed_scaling_factor": 2.5, "norm_topk_prob": true,
          "scoring_func": "sigmoid", "topk_method": "noaux_tc", "first_k_dense_replace": 3, "moe_layer_freq": 1,
          "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
          "hidden_act": "silu", "max_position_embeddings": 163840, "rms_norm_eps": 1e-06, "rope_theta": 10000,
          "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0},
          "attention_bias": false, "tie_word_embeddings": false, "bos_token_id": 0, "eos_token_id": 1, "torch_dtype": "bfloat16",
          "quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8", "weight_block_size": [128, 128]}
        }
        """;

    [Fact]
    public void R1_EqualsItsPublishedFile()
    {
        Assert.Equal(ModelConfig.Parse(R1, "config.json"), KnownModels.R1);
        Assert.Equal(KnownModels.R1, KnownModels.V3);
    }

    [Theory]
    [InlineData("r1", 61, 256)]
    [InlineData("V3", 61, 256)]
    [InlineData("v2", 60, 160)]
    [InlineData("v2-lite", 27, 64)]
    [InlineData("kimi-k2", 61, 384)]
    [InlineData("moonlight", 27, 64)]
    public void ByName_KnownName_GivesTheModel(string name, int layers, int experts)
    {
        var model = KnownModels.ByName(name);

        Assert.Equal((layers, experts), (model.LayerCount, model.Experts!.RoutedCount));
        Assert.Contains(name.ToLowerInvariant(), KnownModels.Names);
    }

    [Fact]
    public void ByName_UnknownName_ListsTheKnown()
    {
        var e = Assert.Throws<ArgumentException>("name", () => KnownModels.ByName("r2"));

        Assert.StartsWith("The model is \"r2\"; it must be one of r1, v3, v2, v2-lite, kimi-k2, moonlight, or the folder of a checkpoint must be given.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IsVerified_RecalledModels_AreMarked()
    {
        Assert.Equal(["kimi-k2", "moonlight"], KnownModels.Names.Where(name => !KnownModels.IsVerified(name)));
    }
}
