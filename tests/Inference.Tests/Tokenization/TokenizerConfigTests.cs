using System.Text.Json.Nodes;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Tokenization;

/// <summary>What <c>tokenizer_config.json</c> gives a tokenizer.</summary>
public sealed class TokenizerConfigTests
{
    public static TheoryData<string, string?, string> Faults => new()
    {
        { """{"bos_token":5}""", "bos_token", "it is a number; it must be a string" },
        { """{"bos_token":{}}""", "bos_token", "the key 'content' is missing" },
        { """{"bos_token":"<other>"}""", "bos_token", "the token '<other>' is not in tokenizer.json" },
        { """{"eos_token":{"content":"<other>"}}""", "eos_token", "the two files belong to different models" },
        { """{"add_bos_token":1}""", "add_bos_token", "it must be true or false" },
        { """{"model_max_length":-1}""", "model_max_length", "it is -1; it must be an integer from 0" },
        { """{"model_max_length":"long"}""", "model_max_length", "it is a string; it must be a number" },
        { """{"chat_template":5}""", "chat_template", "it is a number; it must be a string" },
        { """{"chat_template":[{"name":"default"}]}""", "chat_template[0]", "the key 'template' is missing" },
        { "[]", null, "it is an array; it must be an object" },
        { "{", null, "the file is not valid JSON" },
    };

    [Fact]
    public void Load_WithoutTheFile_StatesNothing()
    {
        var tokenizer = TinyTokenizer.Load(TinyTokenizer.Definition());

        Assert.Null(tokenizer.BeginToken);
        Assert.Null(tokenizer.BeginTokenId);
        Assert.Null(tokenizer.EndToken);
        Assert.Null(tokenizer.EndTokenId);
        Assert.Null(tokenizer.ChatTemplateSource);
        Assert.Null(tokenizer.ModelMaxLength);
        Assert.False(tokenizer.AddBeginToken);
    }

    [Fact]
    public void Load_TokensAsTextAndAsObject_AreTheSame()
    {
        var definition = TinyTokenizer.Definition();
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(256, "<s>"));
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(257, "</s>"));

        var tokenizer = TinyTokenizer.Load(definition, Config("""{"bos_token":"<s>","eos_token":{"__type":"AddedToken","content":"</s>"},"add_bos_token":true}"""));

        Assert.Equal(("<s>", 256), (tokenizer.BeginToken, tokenizer.BeginTokenId));
        Assert.Equal(("</s>", 257), (tokenizer.EndToken, tokenizer.EndTokenId));
        Assert.True(tokenizer.AddBeginToken);
    }

    [Theory]
    [InlineData("131072", 131072)]
    [InlineData("1000000000000000019884624838656", null)] // what Transformers writes for "no bound"
    [InlineData("1e30", null)]
    [InlineData("1e999", null)]
    [InlineData("null", null)]
    public void ModelMaxLength_AsWritten_IsABoundOrNone(string written, int? expected) =>
        Assert.Equal(expected, TinyTokenizer.Load(TinyTokenizer.Definition(), Config($$"""{"model_max_length":{{written}}}""")).ModelMaxLength);

    [Theory]
    [InlineData("\"{{ x }}\"", "{{ x }}")]
    [InlineData("""[{"name":"tool_use","template":"t"},{"name":"default","template":"d"}]""", "d")]
    [InlineData("""[{"name":"tool_use","template":"t"}]""", null)]
    [InlineData("null", null)]
    public void ChatTemplateSource_AsTextOrList_IsTheDefault(string written, string? expected)
    {
        var tokenizer = TinyTokenizer.Load(TinyTokenizer.Definition(), new JsonObject { ["chat_template"] = JsonNode.Parse(written) });

        Assert.Equal(expected, tokenizer.ChatTemplateSource);
    }

    [Theory, MemberData(nameof(Faults))]
    public void Load_FaultyConfig_NamesFilePartAndReason(string content, string? subject, string reason)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", TinyTokenizer.Definition().ToJsonString());
        folder.Write("tokenizer_config.json", content);

        var fault = Assert.Throws<CheckpointFormatException>(() => Inference.Tokenization.DeepseekTokenizer.Load(folder.Path));

        Assert.Equal(folder.File("tokenizer_config.json"), fault.File);
        Assert.Equal(subject, fault.Subject);
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    private static JsonObject Config(string content) => JsonNode.Parse(content)!.AsObject();
}
