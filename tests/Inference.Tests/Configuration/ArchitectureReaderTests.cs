using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Tests.Configuration;

public sealed class ArchitectureReaderTests
{
    private const string Supported = "supported are DeepseekV2ForCausalLM, DeepseekV3ForCausalLM, KimiK2ForCausalLM, Qwen2ForCausalLM, LlamaForCausalLM.";

    [Theory]
    [InlineData("[\"DeepseekV3ForCausalLM\"]", "\"anything\"", ModelArchitecture.DeepseekV3)]
    [InlineData("[\"KimiK2ForCausalLM\"]", "\"kimi_k2\"", ModelArchitecture.DeepseekV3)]
    [InlineData("[\"Unknown\", \"DeepseekV3ForCausalLM\"]", null, ModelArchitecture.DeepseekV3)]
    [InlineData("[\"KimiForCausalLM\"]", "\"kimi_k2\"", ModelArchitecture.DeepseekV3)]
    [InlineData(null, "\"kimi_k2\"", ModelArchitecture.DeepseekV3)]
    [InlineData("null", "\"deepseek_v3\"", ModelArchitecture.DeepseekV3)]
    [InlineData("[]", "\"deepseek_v3\"", ModelArchitecture.DeepseekV3)]
    public void Read_KnownNames_GivesTheArchitecture(string? architectures, string? type, ModelArchitecture expected)
    {
        var config = ConfigText.Parse("v3-fp32", ("architectures", architectures), ("model_type", type));

        Assert.Equal(expected, config.Architecture);
    }

    [Theory]
    [InlineData("v2", "\"deepseek_v2\"", ModelArchitecture.DeepseekV2)]
    [InlineData("distill-qwen2", "\"qwen2\"", ModelArchitecture.Qwen2)]
    [InlineData("distill-llama", "\"llama\"", ModelArchitecture.Llama)]
    public void Read_ModelTypeAlone_GivesTheArchitecture(string fixture, string type, ModelArchitecture expected)
    {
        Assert.Equal(expected, ConfigText.Parse(fixture, ("architectures", null), ("model_type", type)).Architecture);
    }

    [Theory]
    [InlineData("[\"DeepseekV32ForCausalLM\"]", "\"deepseek_v32\"", "architectures", "architectures is \"DeepseekV32ForCausalLM\"; ")]
    [InlineData("[\"Qwen2ForSequenceClassification\"]", "\"qwen2\"", "architectures", "architectures is \"Qwen2ForSequenceClassification\"; ")]
    [InlineData(null, "\"mistral\"", "model_type", "model_type is \"mistral\" and architectures is missing; ")]
    [InlineData(null, null, "architectures", "architectures is missing, and so is model_type; ")]
    public void Read_UnknownNames_ListsTheSupported(string? architectures, string? type, string subject, string expected)
    {
        var e = ConfigText.Refused("v3-fp32", ("architectures", architectures), ("model_type", type));

        Assert.Equal($"config.json: {subject}: {expected}{Supported}", e.Message);
    }

    [Fact]
    public void Read_NotAListOfNames_IsRefused()
    {
        var e = ConfigText.Refused("v3-fp32", ("architectures", "[3]"));

        Assert.Equal("config.json: architectures: architectures holds 3; it must be a list of names.", e.Message);
    }
}
