using System.Text;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Configuration;

public sealed class ModelConfigTests
{
    public static TheoryData<string> Folders => [.. ConfigText.Folders];

    [Theory, MemberData(nameof(Folders))]
    public void Load_EveryModelOfTheRepository_Succeeds(string folder)
    {
        var config = ModelConfig.Load(folder);

        Assert.True(config.LayerCount > 0);
        Assert.Equal(config.Architecture is ModelArchitecture.DeepseekV2 or ModelArchitecture.DeepseekV3, config.LatentAttention is not null);
        Assert.Equal(config.LatentAttention is not null, config.Experts is not null);
    }

    [Fact]
    public void Load_Nano_GivesEveryValue()
    {
        var config = ModelConfig.Load(TestPaths.Nano);

        var expected = new ModelConfig
        {
            Architecture = ModelArchitecture.DeepseekV3,
            VocabularySize = 2048,
            HiddenSize = 256,
            IntermediateSize = 768,
            LayerCount = 6,
            HeadCount = 4,
            KeyValueHeadCount = 4,
            HeadSize = 48,
            MaxPositions = 2048,
            RmsNormEpsilon = 1e-6,
            RopeTheta = 10000,
            RopeScaling = new YarnRopeScaling(4, 512, 32, 1, 1, 1),
            LatentAttention = new LatentAttentionConfig(128, 128, 32, 16, 32),
            Experts = new ExpertConfig(16, 1, 4, 128, 1, 1, 4, 2, RoutingMethod.SigmoidNoAuxiliaryLoss, true, 2.5),
            MultiTokenPredictionLayers = 1,
            DataType = "bfloat16",
            Quantization = new CheckpointQuantization("fp8", 128, 128),
            BeginToken = 0,
            EndTokens = [1],
        };
        Assert.Equal(expected, config);
    }

    [Fact]
    public void Equals_OtherEndTokens_Differs()
    {
        var config = ModelConfig.Load(TestPaths.Nano);

        Assert.Equal(config, ModelConfig.Load(TestPaths.Nano));
        Assert.Equal(config.GetHashCode(), ModelConfig.Load(TestPaths.Nano).GetHashCode());
        Assert.NotEqual(config, config with { EndTokens = [1, 2] });
        Assert.Contains("EndTokens = [1]", config.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_V2_ReadsItsRouting()
    {
        var lite = ModelConfig.Load(ConfigText.Folder("v2-lite"));
        var large = ModelConfig.Load(ConfigText.Folder("v2"));

        Assert.Equal(new ExpertConfig(16, 2, 4, 32, 1, 1, 1, 1, RoutingMethod.SoftmaxGreedy, false, 1), lite.Experts);
        Assert.Null(lite.LatentAttention!.QueryRank);
        Assert.Equal(new YarnRopeScaling(40, 64, 32, 1, 0.707, 0.707), lite.RopeScaling);
        Assert.Equal(new ExpertConfig(16, 2, 4, 32, 1, 1, 4, 2, RoutingMethod.SoftmaxGroupLimited, false, 16), large.Experts);
    }

    [Fact]
    public void Load_DistilledModels_ReadGroupedQueries()
    {
        var qwen = ModelConfig.Load(ConfigText.Folder("distill-qwen2"));
        var llama = ModelConfig.Load(ConfigText.Folder("distill-llama"));

        Assert.Equal((ModelArchitecture.Qwen2, 4, 2, 16, true, false), (qwen.Architecture, qwen.HeadCount, qwen.KeyValueHeadCount, qwen.HeadSize, qwen.AttentionBias, qwen.TieWordEmbeddings));
        Assert.Equal((ModelArchitecture.Llama, 4, 2, 16, false, true), (llama.Architecture, llama.HeadCount, llama.KeyValueHeadCount, llama.HeadSize, llama.AttentionBias, llama.TieWordEmbeddings));
        Assert.Equal(new Llama3RopeScaling(8, 1, 4, 64), llama.RopeScaling);
        Assert.Equal(500000, llama.RopeTheta);
        Assert.Null(qwen.RopeScaling);
    }

    [Fact]
    public void Load_NewerForm_ReadsRopeParametersAndDtype()
    {
        var yarn = ModelConfig.Load(ConfigText.Folder("v3-no-qlora"));
        var plain = ModelConfig.Load(ConfigText.Folder(Path.Combine("bnb-qwen2", "plain")));
        var bits = ModelConfig.Load(ConfigText.Folder(Path.Combine("bnb-qwen2", "bnb")));

        Assert.Equal(new YarnRopeScaling(40, 64, 32, 1, 1, 1), yarn.RopeScaling);
        Assert.Equal((10000, null, "bfloat16"), (plain.RopeTheta, plain.RopeScaling, plain.DataType));
        Assert.Equal(new CheckpointQuantization("bitsandbytes", 0, 0), bits.Quantization);
        Assert.Null(plain.Quantization);
    }

    [Fact]
    public void Parse_RopeScalingBesideRopeParameters_WinsAsInTransformers()
    {
        var config = ConfigText.Parse("v3-no-qlora",
            ("rope_parameters.rope_theta", "123"),
            ("rope_scaling", """{"type": "yarn", "factor": 2, "original_max_position_embeddings": 16}"""));

        Assert.Equal(new YarnRopeScaling(2, 16, 32, 1, 1, 0), config.RopeScaling);
        Assert.Equal(123, config.RopeTheta);
    }

    [Fact]
    public void Parse_V3WithoutItsRules_TakesTheConfigurationClassesDefaults()
    {
        var config = ConfigText.Parse("v3-fp32",
            ("n_group", null), ("topk_group", null), ("n_shared_experts", null), ("first_k_dense_replace", null), ("norm_topk_prob", null),
            ("routed_scaling_factor", null), ("scoring_func", null), ("topk_method", null), ("rope_theta", null), ("rope_scaling", null),
            ("q_lora_rank", null), ("max_position_embeddings", null), ("rms_norm_eps", null), ("bos_token_id", null), ("eos_token_id", null),
            ("num_key_value_heads", null), ("hidden_act", null), ("tie_word_embeddings", null), ("torch_dtype", null));

        Assert.Equal(new ExpertConfig(16, 1, 4, 32, 3, 1, 8, 4, RoutingMethod.SigmoidNoAuxiliaryLoss, true, 2.5), config.Experts);
        Assert.Equal((1536, 10000, 4096, 1e-6), (config.LatentAttention!.QueryRank, config.RopeTheta, config.MaxPositions, config.RmsNormEpsilon));
        Assert.Equal((0, 4, false, 0), (config.BeginToken, config.KeyValueHeadCount, config.TieWordEmbeddings, config.MultiTokenPredictionLayers));
        Assert.Equal([1], config.EndTokens);
        Assert.Null(config.DataType);
    }

    [Fact]
    public void Parse_V2WithoutItsRules_TakesTheConfigurationClassesDefaults()
    {
        var config = ConfigText.Parse("v2",
            ("n_group", null), ("topk_group", null), ("n_shared_experts", null), ("first_k_dense_replace", null), ("norm_topk_prob", null),
            ("routed_scaling_factor", null), ("scoring_func", null), ("topk_method", null), ("bos_token_id", null), ("eos_token_id", null));

        Assert.Equal(new ExpertConfig(16, 2, 4, 32, 0, 1, 1, 1, RoutingMethod.SoftmaxGreedy, false, 1), config.Experts);
        Assert.Equal(1, config.BeginToken);
        Assert.Equal([2], config.EndTokens);
    }

    [Theory]
    [InlineData("null", new int[0])]
    [InlineData("7", new[] { 7 })]
    [InlineData("[7, 3, 7]", new[] { 7, 3 })]
    [InlineData("[]", new int[0])]
    public void Parse_EndTokens_MayBeOneSeveralOrNone(string json, int[] expected)
    {
        var config = ConfigText.Parse("v3-fp32", ("eos_token_id", json), ("bos_token_id", "null"));

        Assert.Equal(expected, config.EndTokens);
        Assert.Null(config.BeginToken);
    }

    [Fact]
    public void Parse_NullEntries_CountAsAbsent()
    {
        var config = ConfigText.Parse("v3-fp32", ("quantization_config", "null"), ("rope_scaling", "null"), ("hidden_act", "null"), ("topk_group", "null"), ("rms_norm_eps", "null"));

        Assert.Null(config.Quantization);
        Assert.Null(config.RopeScaling);
        Assert.Equal((4, 1e-6), (config.Experts!.KeptGroups, config.RmsNormEpsilon));
    }

    [Fact]
    public void Parse_NoSharedExpertsAsNull_GivesNone()
    {
        Assert.Equal(0, ConfigText.Parse("v3-fp32", ("n_shared_experts", "null")).Experts!.SharedCount);
    }

    [Fact]
    public void Parse_LayerFrequency_IsHonoured()
    {
        var experts = ConfigText.Parse("v3-fp32", ("moe_layer_freq", "2"), ("num_hidden_layers", "6")).Experts!;

        Assert.Equal([false, false, true, false, true, false], Enumerable.Range(0, 6).Select(experts.IsMixture));
    }

    [Fact]
    public void Parse_ByteOrderMark_IsPassedOver()
    {
        byte[] json = [.. Encoding.UTF8.Preamble, .. File.ReadAllBytes(Path.Combine(TestPaths.Nano, ConfigText.File))];

        Assert.Equal(6, ModelConfig.Parse(json, ConfigText.File).LayerCount);
    }

    [Theory]
    [InlineData("", "config.json: The file is not valid JSON (line 1, byte 1); fetch it again.")]
    [InlineData("{\n  \"a\": nan}", "config.json: The file is not valid JSON (line 2, byte 9); fetch it again.")]
    [InlineData("[1]", "config.json: The file holds an array; it must hold one JSON object.")]
    [InlineData("{} {}", "config.json: The file is not valid JSON (line 1, byte 4); fetch it again.")]
    public void Parse_NotAnObject_SaysWhere(string json, string expected)
    {
        var e = Assert.Throws<CheckpointFormatException>(() => ModelConfig.Parse(json, ConfigText.File));

        Assert.Equal(expected, e.Message);
    }

    [Fact]
    public void Load_FolderOrFileMissing_SaysWhich()
    {
        using var folder = new TemporaryFolder();
        var missing = Path.Combine(folder.Path, "none");

        var noFolder = Assert.Throws<CheckpointFormatException>(() => ModelConfig.Load(missing));
        var noFile = Assert.Throws<CheckpointFormatException>(() => ModelConfig.Load(folder.Path));

        Assert.Equal($"{missing}: The folder does not exist; it must hold a model as published.", noFolder.Message);
        Assert.Equal($"{Path.Combine(folder.Path, "config.json")}: The file is missing; a model's folder must hold the config.json that was published with its weights.", noFile.Message);
        Assert.Throws<ArgumentException>("folder", () => ModelConfig.Load(""));
    }

    [Fact]
    public void Load_HugeFile_IsRefusedUnread()
    {
        using var folder = new TemporaryFolder();
        using (var file = File.Create(Path.Combine(folder.Path, "config.json")))
            file.SetLength(1L << 40); // sparse: takes no space

        var e = Assert.Throws<CheckpointFormatException>(() => ModelConfig.Load(folder.Path));

        Assert.EndsWith("The file has 1099511627776 bytes; a configuration has at most 16777216.", e.Message, StringComparison.Ordinal);
    }
}
