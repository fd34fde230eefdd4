using System.Net;
using System.Text.Json;

namespace Deepseek.Inference.Server.Tests;

/// <summary>Replies of a form that the request asks for: JSON, schemas, calls of tools, with and without thinking.</summary>
public sealed class FormTests(ServerFixture fixture)
{
    private const string Sum = "What is 123 + 456?";
    private const string Tools = """[{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"enum": [123]}}, "required": ["a"]}}}]""";

    public static TheoryData<string, string, string, string?> Faults => new()
    {
        { "\"response_format\": \"json\"", "response_format", "response_format is 'json'; it must be an object such as {\"type\": \"json_object\"}.", null },
        { "\"response_format\": {}", "response_format.type", "response_format.type is missing; it must be text, json_object or json_schema.", null },
        { "\"response_format\": {\"type\": \"xml\"}", "response_format.type", "response_format.type is 'xml'; it must be text, json_object or json_schema.", null },
        { "\"response_format\": {\"type\": \"json_schema\"}", "response_format.json_schema", "response_format.json_schema is missing; it must be an object with name and schema.", null },
        { "\"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"a\"}}", "response_format.json_schema.schema", "response_format.json_schema.schema is missing; it must be a JSON schema.", null },
        { "\"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"a\", \"schema\": {\"type\": \"string\", \"pattern\": \"a+\"}}}", "response_format.json_schema.schema", "The schema cannot be a constraint: …", "unsupported_schema" },
        { "\"tools\": {}", "tools", "tools is an object; it must be an array of tools such as {\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"type\": \"object\"}}}.", null },
        { "\"tools\": [5]", "tools", "…", "invalid_tools" },
        { "\"tool_choice\": \"required\"", "tool_choice", "tool_choice asks for a call, and there are no tools; give tools, or leave tool_choice out.", null },
        { $"\"tools\": {Tools}, \"tool_choice\": \"maybe\"", "tool_choice", "tool_choice is 'maybe'; it must be none, auto, required, or an object such as {\"type\": \"function\", \"function\": {\"name\": \"f\"}}.", null },
        { $"\"tools\": {Tools}, \"tool_choice\": {{\"type\": \"function\"}}", "tool_choice.function.name", "tool_choice.function.name is missing; it must be a function's name.", null },
        { $"\"tools\": {Tools}, \"tool_choice\": {{\"type\": \"function\", \"function\": {{\"name\": \"sub\"}}}}", "tools", "name is \"sub\"; it must be one of the tools: add.", "invalid_tools" },
        { $"\"tools\": {Tools}, \"parallel_tool_calls\": 1", "parallel_tool_calls", "parallel_tool_calls is 1; it must be true or false.", null },
        { $"\"tools\": {Tools}, \"tool_choice\": \"required\", \"response_format\": {{\"type\": \"json_object\"}}", "response_format", "response_format and tool_choice both force a form; a reply has one. Leave one of them out.", null },
        { "\"reasoning_effort\": \"extreme\"", "reasoning_effort", "reasoning_effort is 'extreme'; it must be none, minimal, low, medium, high or xhigh.", null },
    };

    [Theory, MemberData(nameof(Faults))]
    public async Task Chat_FormAtFault_IsRefusedByName(string members, string param, string message, string? code)
    {
        using var response = await fixture.Server.PostAsync("/v1/chat/completions", RunningServer.ChatJson(Sum, members));

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, message, param, code);
    }

    [Fact]
    public async Task Chat_TooManyTools_AreRefused()
    {
        var tools = string.Join(',', Enumerable.Repeat(Tools[1..^1], 129));

        using var response = await fixture.Server.PostAsync("/v1/chat/completions", RunningServer.ChatJson(Sum, $"\"tools\": [{tools}]"));

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, "tools is an array of 129; it must be at most 128 tools.", "tools");
    }

    [Fact]
    public async Task Chat_RequiredTool_IsCalledWithoutContent()
    {
        var reply = await fixture.Server.ChatAsync(Sum, $"\"temperature\": 0, \"tools\": {Tools}, \"tool_choice\": \"required\", \"parallel_tool_calls\": false");

        var choice = reply.GetProperty("choices")[0];
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("message").GetProperty("content").ValueKind);
        var call = choice.GetProperty("message").GetProperty("tool_calls").EnumerateArray().Single();
        Assert.Equal(("function", "add"), (call.GetProperty("type").GetString(), call.GetProperty("function").GetProperty("name").GetString()));
        Assert.Equal(123, JsonElement.Parse(call.GetProperty("function").GetProperty("arguments").GetString()!).GetProperty("a").GetInt32());
    }

    [Fact]
    public async Task Chat_ToolChoiceNone_IsAsWithoutTools()
    {
        var without = await fixture.Server.ChatAsync(Sum, "\"temperature\": 0");
        var none = await fixture.Server.ChatAsync(Sum, $"\"temperature\": 0, \"tools\": {Tools}, \"tool_choice\": \"none\"");

        Assert.Equal(Message(without).GetRawText(), Message(none).GetRawText());
    }

    [Fact]
    public async Task Chat_JsonObject_IsOne()
    {
        // It may be long: the model knows little of JSON. What comes is a JSON object, or the beginning of one.
        var reply = await fixture.Server.ChatAsync(Sum, "\"temperature\": 0, \"response_format\": {\"type\": \"json_object\"}, \"reasoning_effort\": \"none\", \"max_tokens\": 200");

        var text = Message(reply).GetProperty("content").GetString()!;
        Assert.StartsWith("{", text.TrimStart(), StringComparison.Ordinal);
        if (reply.GetProperty("choices")[0].GetProperty("finish_reason").GetString() == "stop")
            Assert.Equal(JsonValueKind.Object, JsonElement.Parse(text).ValueKind);
    }

    [Theory]
    [InlineData("none", false)]
    [InlineData("minimal", false)]
    [InlineData("low", true)]
    [InlineData("high", true)]
    public async Task Chat_ReasoningEffort_SaysWhetherTheModelThinks(string effort, bool thinks)
    {
        var reply = await fixture.Server.ChatAsync(Sum, $"\"temperature\": 0, \"reasoning_effort\": \"{effort}\"");

        Assert.Equal(thinks, Message(reply).TryGetProperty("reasoning_content", out _));
        var counted = reply.GetProperty("usage").GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32();
        Assert.Equal(thinks, counted > 0);
    }

    private static JsonElement Message(JsonElement reply) => reply.GetProperty("choices")[0].GetProperty("message");
}
