using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class GenerationDefaultsTests
{
    private const string FileName = "generation_config.json";

    [Fact]
    public void Parse_Nano_ReadsItsSettings()
    {
        var defaults = GenerationDefaults.Parse(File.ReadAllText(Path.Combine(TestPaths.Nano, FileName)), FileName);

        Assert.Equal((0.6, 0.95), (defaults.Temperature, defaults.TopP));
        Assert.Equal([1], defaults.EndTokens);
        Assert.Null(defaults.TopK);
    }

    [Fact]
    public void Parse_EverySetting_IsRead()
    {
        var defaults = GenerationDefaults.Parse(
            """{"do_sample": true, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "min_p": 0.05, "typical_p": 0.9, "repetition_penalty": 1.05, "eos_token_id": [7, 3, 7], "max_new_tokens": 2048}""",
            FileName);

        Assert.Equal((0.7, 20, 0.8, 0.05, 0.9, 1.05), (defaults.Temperature, defaults.TopK, defaults.TopP, defaults.MinP, defaults.TypicalP, defaults.RepetitionPenalty));
        Assert.Equal([7, 3], defaults.EndTokens);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"do_sample": null, "temperature": null, "top_k": null, "top_p": null, "min_p": null, "typical_p": null, "repetition_penalty": null, "eos_token_id": null}""")]
    public void Parse_AbsentOrNullKeys_SetNothing(string json)
    {
        var defaults = GenerationDefaults.Parse(json, FileName);

        Assert.Empty(defaults.EndTokens);
        Assert.Equal(GenerationDefaults.None, defaults with { EndTokens = GenerationDefaults.None.EndTokens });
    }

    [Theory]
    [InlineData("""{"do_sample": false}""")]
    [InlineData("""{"do_sample": false, "temperature": 0.6}""")]
    public void Parse_NoSampling_IsGreedyUnlessTheCallerSetsATemperature(string json)
    {
        var defaults = GenerationDefaults.Parse(json, FileName);

        Assert.Equal(0, new SamplingOptions().Or(defaults).Temperature);
        Assert.Equal(0.8, new SamplingOptions { Temperature = 0.8 }.Or(defaults).Temperature);
    }

    [Theory]
    [InlineData("""{"temperature": -1}""", "temperature", "temperature is -1; it must be 0 or more and finite, since logits are divided by it; 0 always takes the best token.")]
    [InlineData("""{"temperature": 1e999}""", "temperature", "temperature is Infinity; it must be 0 or more and finite, since logits are divided by it; 0 always takes the best token.")]
    [InlineData("""{"temperature": "hot"}""", "temperature", "found \"hot\"; it must be a number.")]
    [InlineData("""{"top_k": -1}""", "top_k", "top_k is -1; it must be 0 or more, since it counts tokens; 0 turns it off.")]
    [InlineData("""{"top_k": 2.5}""", "top_k", "found 2.5; it must be a whole number of 32 bits.")]
    [InlineData("""{"top_k": 99999999999}""", "top_k", "found 99999999999; it must be a whole number of 32 bits.")]
    [InlineData("""{"top_p": 1.01}""", "top_p", "top_p is 1.01; it must be 0 to 1, since it is a share of the probability; 1 turns it off.")]
    [InlineData("""{"min_p": 2}""", "min_p", "min_p is 2; it must be 0 to 1, since it is a share of the best token's probability; 0 turns it off.")]
    [InlineData("""{"typical_p": 0}""", "typical_p", "typical_p is 0; it must be more than 0 and at most 1, since it is a share of the probability; 1 turns it off.")]
    [InlineData("""{"repetition_penalty": 0}""", "repetition_penalty", "repetition_penalty is 0; it must be more than 0 and finite, since logits are divided and multiplied by it; 1 turns it off.")]
    [InlineData("""{"do_sample": 1}""", "do_sample", "found 1; it must be true or false.")]
    [InlineData("""{"eos_token_id": "</s>"}""", "eos_token_id", "found \"</s>\"; it must be a token id, a whole number of 0 or more, or a list of them.")]
    [InlineData("""{"eos_token_id": [1, -2]}""", "eos_token_id", "found -2; it must be a token id, a whole number of 0 or more, or a list of them.")]
    [InlineData("""{"eos_token_id": [[1]]}""", "eos_token_id", "found [1]; it must be a token id, a whole number of 0 or more, or a list of them.")]
    public void Parse_BadSetting_NamesFileKeyAndValue(string json, string key, string reason)
    {
        var fault = Assert.Throws<CheckpointFormatException>(() => GenerationDefaults.Parse(json, FileName));

        Assert.Equal(key, fault.Subject);
        Assert.Equal($"generation_config.json: {key}: {reason}", fault.Message);
    }

    [Fact]
    public void Parse_LongValue_IsShownInPart()
    {
        var json = $$"""{"temperature": "{{new string('x', 1000)}}"}""";

        var fault = Assert.Throws<CheckpointFormatException>(() => GenerationDefaults.Parse(json, FileName));

        Assert.Equal($"generation_config.json: temperature: found \"{new string('x', 79)}…; it must be a number.", fault.Message);
    }

    [Fact]
    public void Parse_NotAnObject_SaysWhatItFound()
    {
        var fault = Assert.Throws<CheckpointFormatException>(() => GenerationDefaults.Parse("[1]", FileName));

        Assert.Equal("generation_config.json: found [1]; a generation configuration is a JSON object.", fault.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"temperature\": NaN}")]
    [InlineData("{\"temperatur\\ud800\": 1}")]
    public void Parse_NotJson_IsAFormatFault(string json)
    {
        var fault = Assert.Throws<CheckpointFormatException>(() => GenerationDefaults.Parse(json, FileName));

        Assert.StartsWith("generation_config.json: not valid JSON: ", fault.Message, StringComparison.Ordinal);
        Assert.NotNull(fault.InnerException);
    }

    // Half a surrogate pair; an attribute's argument could not carry it.
    [Fact]
    public void Parse_NotUnicode_IsAFormatFault() =>
        Assert.Throws<CheckpointFormatException>(() => GenerationDefaults.Parse("{\"temperature\": \"\ud800\"}", FileName));

    [Fact]
    public void Parse_DeepNesting_IsAFormatFault() =>
        Assert.Throws<CheckpointFormatException>(() => GenerationDefaults.Parse(new string('[', 100_000), FileName));

    [Fact]
    public void Parse_AnyDamage_IsAFormatFaultOrAReading()
    {
        const string Sound = """{"do_sample": true, "temperature": 0.7, "top_k": 20, "eos_token_id": [7, 3], "x": {"y": "\u00e9"}}""";

        Rows.ForAll(Gen.Choose(0, Sound.Length - 1), Gen.Elements("", "{", "]", "\"", "\\", "-", "9e9", "null", "\ud800", "\0"), (place, damage) =>
        {
            try
            {
                GenerationDefaults.Parse(Sound[..place] + damage + Sound[(place + 1)..], FileName);
            }
            catch (CheckpointFormatException fault)
            {
                Assert.StartsWith(FileName, fault.Message, StringComparison.Ordinal);
            }
        });
    }
}
