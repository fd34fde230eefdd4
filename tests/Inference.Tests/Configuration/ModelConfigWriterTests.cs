using System.Text;
using System.Text.Json;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Tests.Sampling;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Configuration;

public sealed class ModelConfigWriterTests
{
    public static TheoryData<string> Folders => [.. ConfigText.Folders];

    public static TheoryData<string> Names => [.. KnownModels.Names];

    [Theory, MemberData(nameof(Folders))]
    public void ToJson_EveryModelOfTheRepository_IsReadBackTheSame(string folder) => AssertReadBack(ModelConfig.Load(folder));

    [Theory, MemberData(nameof(Names))]
    public void ToJson_KnownModel_IsReadBackTheSame(string name) => AssertReadBack(KnownModels.ByName(name));

    [Fact]
    public void ToJson_AnyConfiguration_IsReadBackTheSame() => Rows.ForAll(Configurations, AssertReadBack);

    [Fact]
    public void ToJson_DataTypeAndQuantization_AreLeftOut()
    {
        var config = ModelConfig.Parse(ModelConfigWriter.ToJson(KnownModels.R1), ConfigText.File);

        Assert.NotNull(KnownModels.R1.Quantization);
        Assert.Null(config.Quantization);
        Assert.Null(config.DataType);
    }

    [Fact]
    public void ToJson_R1_HasThePublishedKeys()
    {
        using var json = JsonDocument.Parse(ModelConfigWriter.ToJson(KnownModels.R1));

        Assert.Equal("DeepseekV3ForCausalLM", json.RootElement.GetProperty("architectures")[0].GetString());
        Assert.Equal(256, json.RootElement.GetProperty("n_routed_experts").GetInt32());
        Assert.Equal("noaux_tc", json.RootElement.GetProperty("topk_method").GetString());
        Assert.Equal(40, json.RootElement.GetProperty("rope_scaling").GetProperty("factor").GetDouble());
    }

    [Fact]
    public void ToJson_MoreProperties_StandBesideTheModel()
    {
        var json = ModelConfigWriter.ToJson(KnownModels.V2Lite, writer => writer.WriteString("made_by", "hand"));

        Assert.EndsWith(",\"made_by\":\"hand\"}", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
        Assert.Equal(KnownModels.V2Lite with { DataType = null }, ModelConfig.Parse(json, ConfigText.File));
    }

    [Fact]
    public void ToJson_UnknownArchitectureOrRouting_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelConfigWriter.ToJson(KnownModels.R1 with { Architecture = (ModelArchitecture)9 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelConfigWriter.ToJson(KnownModels.R1 with { Experts = KnownModels.R1.Experts! with { Method = (RoutingMethod)9 } }));
    }

    private static void AssertReadBack(ModelConfig config)
    {
        var actual = ModelConfig.Parse(ModelConfigWriter.ToJson(config), ConfigText.File);

        Assert.Equal(config with { DataType = null, Quantization = null }, actual);
    }

    private static Gen<ModelConfig> Configurations { get; } =
        from architecture in Gen.Elements(Enum.GetValues<ModelArchitecture>())
        from common in Common(architecture)
        from config in architecture is ModelArchitecture.DeepseekV2 or ModelArchitecture.DeepseekV3 ? Latent(common) : Grouped(common)
        select config;

    private static Gen<ModelConfig> Common(ModelArchitecture architecture) =>
        from sizes in Gen.Choose(1, 300).ArrayOf(4)
        from heads in Gen.Choose(1, 12)
        from epsilon in Gen.Elements(1e-6, 1e-5, 0.1 + 0.2)
        from theta in Gen.Elements(10000, 50000.5, 1e6 / 3)
        from scaling in Gen.Elements<RopeScaling?>(null, new YarnRopeScaling(1.0 / 3 + 2, 64, 32, 1, 0.707, 0), new Llama3RopeScaling(8, 1, 4.5, 8192))
        from tied in Gen.Elements(true, false)
        from begin in Gen.Elements<int?>(null, 0)
        from ends in Gen.Elements<int[]>([], [0], [0, 1])
        select new ModelConfig
        {
            Architecture = architecture,
            VocabularySize = sizes[0] + 1,
            HiddenSize = sizes[1],
            IntermediateSize = sizes[2],
            LayerCount = sizes[3],
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = 2,
            MaxPositions = 4096,
            RmsNormEpsilon = epsilon,
            RopeTheta = theta,
            RopeScaling = scaling,
            TieWordEmbeddings = tied,
            BeginToken = begin,
            EndTokens = ends,
        };

    private static Gen<ModelConfig> Grouped(ModelConfig common) =>
        from head in Gen.Choose(1, 64)
        select common with { HeadSize = 2 * head, KeyValueHeadCount = 1, AttentionBias = common.Architecture == ModelArchitecture.Qwen2 };

    private static Gen<ModelConfig> Latent(ModelConfig common) =>
        from rank in Gen.Elements<int?>(null, 24)
        from sizes in Gen.Choose(1, 64).ArrayOf(4)
        from groups in Gen.Choose(1, 4)
        from shared in Gen.Choose(0, 2)
        from limited in Gen.Elements(true, false)
        from renormalise in Gen.Elements(true, false)
        from scale in Gen.Elements(1, 2.827, 16)
        from prediction in Gen.Choose(0, 2)
        let v3 = common.Architecture == ModelArchitecture.DeepseekV3
        let method = v3 ? RoutingMethod.SigmoidNoAuxiliaryLoss : limited ? RoutingMethod.SoftmaxGroupLimited : RoutingMethod.SoftmaxGreedy
        let used = method == RoutingMethod.SoftmaxGreedy ? 1 : groups
        select common with
        {
            HeadSize = sizes[1] + (2 * sizes[2]),
            LatentAttention = new LatentAttentionConfig(rank, sizes[0], sizes[1], 2 * sizes[2], sizes[3]),
            Experts = new ExpertConfig(4 * used, shared, 2, 16, Math.Min(1, common.LayerCount), 1, used, used, method, v3 && renormalise, scale),
            MultiTokenPredictionLayers = v3 ? prediction : 0,
        };
}
