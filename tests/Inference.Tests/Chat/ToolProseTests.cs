using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Tests.Chat.Constraints;
using Deepseek.Inference.Tests.Tokenization;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat;

public sealed class ToolProseTests
{
    private const string Plain = "{{ messages }}";

    private static readonly JsonElement Tools = ConstraintWalk.Json("""
        [{"type": "function", "function": {"name": "weather", "description": "Weather of a city", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}},
         {"type": "function", "function": {"name": "time"}}]
        """);

    private static readonly IReadOnlyList<ChatMessage> Called = ChatMessage.ParseMessages("""
        [{"role": "user", "content": "Weather?"},
         {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Paris\"}"}},
            {"id": "c2", "type": "function", "function": {"name": "time", "arguments": {}}}]},
         {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
         {"role": "tool", "content": "noon", "name": "clock"},
         {"role": "tool", "content": "late"},
         {"role": "user", "content": "Thanks"}]
        """);

    [Fact]
    public void Prepare_TemplateWithoutTools_DescribesThemInASystemMessage()
    {
        var messages = ToolProse.Prepare([ChatMessage.User("Hi")], Tools, Plain);

        Assert.Equal(["system", "user"], messages.Select(message => message.Role));
        Assert.Contains("- weather: Weather of a city\n  Arguments, as a JSON schema: {\"type\": \"object\"", messages[0].Content, StringComparison.Ordinal);
        Assert.Contains("- time\n  Arguments", messages[0].Content, StringComparison.Ordinal);
        Assert.Contains("<｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME\n```json\n", messages[0].Content, StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_SystemMessages_TheLastHoldsTheDescription()
    {
        var messages = ToolProse.Prepare([ChatMessage.System("First."), ChatMessage.System("Last."), ChatMessage.User("Hi")], Tools, Plain);

        Assert.Equal(3, messages.Count);
        Assert.Equal("First.", messages[0].Content);
        Assert.StartsWith("You can have these functions run:", messages[1].Content, StringComparison.Ordinal);
        Assert.EndsWith("\n\nLast.", messages[1].Content, StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_TemplateThatKnowsAll_ChangesNothing() =>
        Assert.Equal(Called, ToolProse.Prepare(Called, Tools, "{{ tools }} {{ message['tool_calls'] }}"));

    [Fact]
    public void Prepare_TemplateWithoutCalls_WritesCallsAndResults()
    {
        var messages = ToolProse.Prepare(Called, null, Plain);

        Assert.Equal(["user", "assistant", "user", "user"], messages.Select(message => message.Role));
        Assert.Equal([new ToolCall("weather", "{\"city\": \"Paris\"}"), new ToolCall("time", "{}")], ToolCallParser.Split(messages[1].Content!).Calls);
        Assert.Null(messages[1].ToolCalls);
        Assert.Equal("Result of the function weather:\nsunny\n\nResult of the function clock:\nnoon\n\nResult of the function:\nlate", messages[2].Content);
    }

    [Theory]
    [InlineData("""{"type": "function"}""")]
    [InlineData("""{"type": "function", "function": {"name": 5}}""")]
    public void Prepare_CallOfAnotherForm_IsRefused(string call)
    {
        var message = ChatMessage.FromJson(ConstraintWalk.Json($$"""{"role": "assistant", "content": "", "tool_calls": [{{call}}]}"""));

        Assert.Equal(
            $"A message's tool_calls hold {call}; each must be {{\"type\": \"function\", \"function\": {{\"name\": …, \"arguments\": …}}}}. (Parameter 'call')",
            Assert.Throws<ArgumentException>(() => ToolProse.Prepare([message], null, Plain)).Message);
    }

    [Theory]
    [InlineData("v3")]
    [InlineData("deepseek-ai-DeepSeek-R1-Distill-Llama-8B")]
    [InlineData("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B")]
    [InlineData("llama-cpp-deepseek-r1")]
    [InlineData("deepseek-ai-DeepSeek-V3.1")]
    [InlineData("deepseek-ai-DeepSeek-V3.2")]
    [InlineData("deepseek-ai-DeepSeek-V4-Flash-0731")]
    [InlineData("deepseek-ai-DeepSeek-V4")]
    public void Prepare_PublishedTemplate_RenderedCallsAreReadBack(string name)
    {
        var source = ToolTemplates.Source(name);
        ToolCall call = new("get_weather", """{"city": "Paris", "days": 3, "where": {"lat": 48.9}, "hours": [1, 2]}""");
        var messages = ChatMessage.ParseMessages($$"""
            [{"role": "user", "content": "Weather?"},
             {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "id": "c1", "function": {"name": "{{call.Name}}", "arguments": {{JsonSerializer.Serialize(call.Arguments)}} } }] }]
            """);

        var rendered = ChatTemplate.Parse(source).Render(ToolProse.Prepare(messages, null, source), new() { AddGenerationPrompt = false, BeginToken = "", EndToken = "" });

        var read = Assert.Single(ToolCallParser.Split(rendered, source).Calls);
        Assert.Equal(call.Name, read.Name);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(call.Arguments), JsonElement.Parse(read.Arguments)), read.Arguments);
    }

    [Theory]
    [InlineData("v3")]
    [InlineData("deepseek-ai-DeepSeek-V3.1")]
    [InlineData("deepseek-ai-DeepSeek-V3.2")]
    public void Prepare_PublishedTemplate_ShowsTheTools(string name)
    {
        var source = ToolTemplates.Source(name);

        var rendered = ChatTemplate.Parse(source).Render(ToolProse.Prepare([ChatMessage.User("Hi")], Tools, source), new() { Tools = Tools, BeginToken = "", EndToken = "" });

        Assert.Equal(2, rendered.Split("Weather of a city").Length); // once
    }

    [Fact]
    public void Split_RenderedFixtures_GiveTheCallsOfTheirMessages()
    {
        using var all = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestPaths.TextFixtures(), "chat_templates.json")));
        var templates = all.RootElement.GetProperty("templates");
        var read = 0;
        foreach (var one in all.RootElement.GetProperty("cases").EnumerateArray())
        {
            var expected = one.GetProperty("messages").EnumerateArray()
                .SelectMany(message => message.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array ? calls.EnumerateArray() : Enumerable.Empty<JsonElement>())
                .Select(call => call.GetProperty("function"))
                .Select(function => new ToolCall(function.GetProperty("name").GetString()!, function.GetProperty("arguments").GetString()!));

            var calls = ToolCallParser.Split(one.GetProperty("rendered").GetString()!, templates.GetProperty(one.GetProperty("template").GetString()!).GetString()).Calls;

            Assert.Equal(expected, calls);
            read += calls.Count;
        }

        Assert.True(read > 0);
    }
}
