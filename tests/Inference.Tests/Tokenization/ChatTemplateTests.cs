using System.Text.Json;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class ChatTemplateTests
{
    private const string Begin = "<｜begin▁of▁sentence｜>";
    private const string End = "<｜end▁of▁sentence｜>";

    [Fact]
    public void Render_EveryNanoCase_EqualsTransformers() => Assert.Equal(10, RenderAll(ChatTemplateFixtures.Nano()));

    [Fact]
    public void Render_EveryPublishedCase_EqualsTransformers() => Assert.Equal(68, RenderAll(ChatTemplateFixtures.Published()));

    [Fact]
    public void Parse_EveryPublishedFile_IsSupported()
    {
        var files = Directory.GetFiles(Path.Combine(TestPaths.TextFixtures(), "chat-templates"), "*.jinja");

        foreach (var file in files)
        {
            var template = ChatTemplate.Parse(File.ReadAllText(file), file);

            var prompt = template.Render([ChatMessage.System("S"), ChatMessage.User("Hi")], new ChatTemplateOptions { BeginToken = Begin, EndToken = End });

            Assert.StartsWith(Begin + "S", prompt, StringComparison.Ordinal);
            Assert.Contains("<｜User｜>Hi", prompt, StringComparison.Ordinal);
        }

        Assert.Equal(7, files.Length);
    }

    [Fact]
    public void Render_NanoConfiguration_HoldsTheTemplateOfTheCases()
    {
        using var configuration = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestPaths.Nano, "tokenizer_config.json")));

        Assert.Equal(ChatTemplateFixtures.Nano().Templates["v3"], configuration.RootElement.GetProperty("chat_template").GetString());
    }

    [Fact]
    public void Render_WithoutTokens_LeavesThemUndefined() =>
        Assert.Equal("FalseFalse", ChatTemplate.Parse("{{ bos_token is defined }}{{ eos_token is defined }}").Render([], new ChatTemplateOptions()));

    [Fact]
    public void Render_Defaults_AskForTheGenerationPromptAndHaveNoTools() =>
        Assert.Equal("True None None", ChatTemplate.Parse("{{ add_generation_prompt }} {{ tools }} {{ documents }}").Render([], new ChatTemplateOptions()));

    [Fact]
    public void Render_Options_ReachTheTemplate()
    {
        using var json = JsonDocument.Parse("""{"tools": [{"type": "function"}], "thinking": true, "eos_token": "<eos>"}""");
        var options = new ChatTemplateOptions
        {
            AddGenerationPrompt = false,
            BeginToken = "<b>",
            EndToken = "<e>",
            Tools = json.RootElement.GetProperty("tools"),
            Variables = new Dictionary<string, JsonElement>
            {
                ["thinking"] = json.RootElement.GetProperty("thinking"),
                ["eos_token"] = json.RootElement.GetProperty("eos_token"),
            },
        };

        var prompt = ChatTemplate.Parse("{{ add_generation_prompt }}{{ bos_token }}{{ eos_token }}{{ tools | tojson }}{{ thinking }}").Render([], options);

        Assert.Equal("""False<b><eos>[{"type": "function"}]True""", prompt);
    }

    [Fact]
    public void Render_FaultyOptions_NamesAllFaultsAtOnce()
    {
        using var json = JsonDocument.Parse("{}");
        var options = new ChatTemplateOptions
        {
            Tools = json.RootElement,
            Variables = new Dictionary<string, JsonElement> { ["messages"] = json.RootElement, ["empty"] = default },
            TimeProvider = null!,
        };

        var fault = Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("").Render([], options));

        Assert.Equal(
            "ChatTemplateOptions: Tools is JSON of the kind Object; it must be an array of tools. "
            + "Variables holds 'messages'; the name is taken, so use the argument or option of that name. "
            + "Variables holds 'empty' with an empty JSON element; it must come from a parsed document. "
            + "TimeProvider is null; it must be a clock, such as TimeProvider.System.",
            fault.Message);
    }

    [Fact]
    public void Render_TooDeepVariable_NamesTheLimit()
    {
        using var json = JsonDocument.Parse(new string('[', 200) + new string(']', 200), new JsonDocumentOptions { MaxDepth = 256 });
        var options = new ChatTemplateOptions { Variables = new Dictionary<string, JsonElement> { ["deep"] = json.RootElement } };

        var fault = Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("").Render([], options));

        Assert.Equal("ChatTemplateOptions: Variables['deep']: JSON lies deeper within itself than the limit of 128 levels.", fault.Message);
    }

    [Theory]
    [InlineData("{\"k\": \"\\ud800\"}", "a JSON string escapes half of a surrogate pair")]
    [InlineData("{\"\\udfff\": 1}", "half of a surrogate pair")]
    public void Render_HalfASurrogatePair_IsAnArgumentFault(string json, string reason)
    {
        using var document = JsonDocument.Parse(json);
        var options = new ChatTemplateOptions { Variables = new Dictionary<string, JsonElement> { ["v"] = document.RootElement } };

        var fault = Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("").Render([], options));

        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_HugeJsonInteger_NamesTheLimit()
    {
        using var document = JsonDocument.Parse(new string('9', 5000));
        var options = new ChatTemplateOptions { Variables = new Dictionary<string, JsonElement> { ["v"] = document.RootElement } };

        var fault = Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("").Render([], options));

        Assert.Equal("ChatTemplateOptions: Variables['v']: a JSON integer has 5000 digits; the limit is 1233.", fault.Message);
    }

    [Fact]
    public void Render_NullMessage_NamesItsIndex()
    {
        var fault = Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("").Render([ChatMessage.User("a"), null!], new ChatTemplateOptions()));

        Assert.StartsWith("messages[1] is null.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_RaisedException_KeepsFileAndLine()
    {
        var template = ChatTemplate.Parse("a\n{{ raise_exception('Roles must alternate.') }}", "tokenizer_config.json");

        var fault = Assert.Throws<ChatTemplateException>(() => template.Render([], new ChatTemplateOptions()));

        Assert.Equal("tokenizer_config.json: line 2: Roles must alternate.", fault.Message);
    }

    [Fact]
    public void Render_ManyThreads_GiveTheSamePrompt()
    {
        var template = ChatTemplate.Parse("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ m.content }}{{ ns.n }}{% endfor %}");
        ChatMessage[] messages = [ChatMessage.User("a"), ChatMessage.Assistant("b")];

        var prompts = new string[64];
        Parallel.For(0, prompts.Length, i => prompts[i] = template.Render(messages, new ChatTemplateOptions()));

        Assert.All(prompts, prompt => Assert.Equal("a1b2", prompt));
    }

    [Fact]
    public void Source_IsWhatWasGiven() => Assert.Equal("a\n", ChatTemplate.Parse("a\n").Source);

    [Fact]
    public void Parse_Null_Throws() => Assert.Throws<ArgumentNullException>(() => ChatTemplate.Parse(null!));

    private static int RenderAll(ChatTemplateFixtures fixtures)
    {
        var templates = fixtures.Templates.ToDictionary(entry => entry.Key, entry => ChatTemplate.Parse(entry.Value, entry.Key));
        var count = 0;
        foreach (var item in fixtures.Cases)
        {
            var options = new ChatTemplateOptions
            {
                AddGenerationPrompt = item.GetProperty("add_generation_prompt").GetBoolean(),
                BeginToken = Begin,
                EndToken = End,
                Tools = item.TryGetProperty("tools", out var tools) ? tools : null,
            };
            var messages = ChatMessage.ParseMessages(item.GetProperty("messages").GetRawText());

            var prompt = templates[item.GetProperty("template").GetString()!].Render(messages, options);

            Assert.Equal(item.GetProperty("rendered").GetString(), prompt);
            count++;
        }

        return count;
    }
}
