using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Tests.Chat.Constraints;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Sampling;
using Deepseek.Inference.Tokenization;
using FsCheck.Fluent;
using Json.Schema;

namespace Deepseek.Inference.Tests.Chat;

public sealed class ToolCallConstraintTests(Nano nano)
{
    private const string Parameters = """
        {"type": "object", "properties": {
            "city": {"type": "string", "maxLength": 8}, "note": {"type": "string"}, "unit": {"enum": ["C", "F", 1, null]}, "when": {"type": "string", "format": "date"},
            "days": {"type": "integer", "minimum": 1, "maximum": 14}, "either": {"anyOf": [{"type": "boolean"}, {"type": "string", "minLength": 2, "maxLength": 3}]},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a|b": {"type": "string", "maxLength": 4}}, "required": ["a|b"]}, "maxItems": 2}},
         "required": ["city", "days"]}
        """;

    private static readonly string ToolsText = $$"""
        [{"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": {{Parameters.Replace('|', '｜')}} } },
         {"type": "function", "function": {"name": "now"} },
         {"type": "function", "function": {"name": "any", "parameters": {"type": "object", "additionalProperties": {"type": "integer"} } } }]
        """;

    private static readonly JsonElement Tools = ConstraintWalk.Json(ToolsText);

    public static TheoryData<string> Forms => [.. Enum.GetNames<ToolCallForm>()];

    [Theory, MemberData(nameof(Forms))]
    public void ToolCalls_RandomWalks_AreReadAsCallsThatMeetTheSchema(string formName)
    {
        var form = Enum.Parse<ToolCallForm>(formName);
        var constraint = TextConstraint.ToolCalls(Tools);
        var judge = JsonSchema.FromText(Parameters.Replace('|', '｜'), new BuildOptions { SchemaRegistry = new SchemaRegistry() });

        Rows.ForAll(Gen.Choose(0, int.MaxValue), 60, seed =>
        {
            var text = new ConstraintWalk(constraint, new TextPrompt([0]) { ToolCallForm = form }).Finish(seed);

            var parser = new ToolCallParser(form);
            var parts = parser.Append(text).Concat(parser.Flush()).ToList();
            Assert.NotEmpty(parts);
            foreach (var part in parts)
            {
                Assert.True(part.Call is not null, $"'{part.Text}' of {text}");
                var arguments = JsonElement.Parse(part.Call!.Arguments);
                Assert.Equal(JsonValueKind.Object, arguments.ValueKind);
                Assert.True(part.Call.Name is "any" or "now" || judge.Evaluate(arguments, new EvaluationOptions { RequireFormatValidation = true }).IsValid, text);
                Assert.True(part.Call.Name != "now" || !arguments.EnumerateObject().Any(), text);
            }
        });
    }

    [Theory]
    [InlineData("now", true, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", true)]
    [InlineData("any", true, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", false)]
    [InlineData(null, true, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>any<｜tool▁sep｜>{\"x\": 1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", true)]
    [InlineData(null, false, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", false)]
    [InlineData(null, false, "now", false)]
    public void ToolCalls_Texts_AreTakenOrRefused(string? name, bool parallel, string text, bool taken)
    {
        var walk = new ConstraintWalk(TextConstraint.ToolCalls(Tools, name, parallel), new TextPrompt([0]) { ToolCallForm = ToolCallForm.Named });

        Assert.Equal(taken, walk.Accepts(text));
    }

    [Fact]
    public void ToolCalls_VocabularyOfDeepseek_TakesItsControlTokens()
    {
        var tokenizer = DeepseekTokenizer.Load(Path.Combine(TestPaths.TextFixtures(), "deepseek-v3-tokenizer"));
        var walk = new ConstraintWalk(TextConstraint.ToolCalls(Tools, "now", parallel: false), tokenizer: tokenizer);
        const string Call = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>";

        Assert.True(walk.Accepts(Call));
        Assert.Equal([tokenizer.EndTokenId!.Value], walk.Allowed());
        Assert.Contains(tokenizer.TokenId("<｜tool▁call▁end｜>")!.Value, tokenizer.Encode(Call));
        Assert.False(walk.Takes(Call[..^40] + "<｜User｜>"));
    }

    [Theory]
    [InlineData("{}", "tools is JSON of the kind Object; it must be an array of at least one tool. (Parameter 'tools')")]
    [InlineData("[]", "tools is empty; it must be an array of at least one tool. (Parameter 'tools')")]
    [InlineData("[{}, {\"function\": {}}]", "tools[0] has no function; it must be {\"type\": \"function\", \"function\": {\"name\": …, \"parameters\": …}}. tools[1].function.name is missing; it must be 1 to 128 letters, digits and the characters _ - . : of ASCII. (Parameter 'tools')")]
    [InlineData("[{\"function\": {\"name\": \"a\\nb\"}}]", "tools[0].function.name is \"a\\nb\"; it must be 1 to 128 letters, digits and the characters _ - . : of ASCII. (Parameter 'tools')")]
    [InlineData("[{\"function\": {\"name\": \"a\"}}, {\"function\": {\"name\": \"a\"}}]", "tools[1].function.name is \"a\", as of an earlier tool; every name must be given once. (Parameter 'tools')")]
    [InlineData("[{\"function\": {\"name\": \"a\", \"parameters\": {\"type\": \"text\"}}}]", "The parameters of a tool cannot be a constraint: a: #: type is \"text\"; it must be one of null, boolean, object, array, string, integer, number, or a list of them. (Parameter 'tools')")]
    [InlineData("[{\"function\": {\"name\": \"a\", \"parameters\": {\"type\": \"string\"}}}]", "The parameters of a tool cannot be a constraint: a: #: no arguments meet the schema; a call needs an object that does. (Parameter 'tools')")]
    public void ToolCalls_ToolsAtFault_AreNamed(string tools, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => TextConstraint.ToolCalls(ConstraintWalk.Json(tools))).Message);

    [Fact]
    public void ToolCalls_UnknownName_NamesThoseOnOffer() => Assert.Equal(
        "name is \"later\"; it must be one of the tools: weather, now, any. (Parameter 'name')",
        Assert.Throws<ArgumentException>(() => TextConstraint.ToolCalls(Tools, "later")).Message);

    [Theory]
    [InlineData(0.0, "weather")]
    [InlineData(1.5, null)]
    public async Task CompleteAsync_Tools_CallsOne(double temperature, string? name)
    {
        var tools = ConstraintWalk.Json("""[{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["city", "days"]}}}]""");
        var prompt = nano.Generator.Chat([ChatMessage.User("Weather in Rome?")], tools);
        var options = new TextOptions { Constraint = TextConstraint.ToolCalls(tools, name, parallel: false), Generation = new() { Sampling = new() { Temperature = temperature, Seed = 3 }, MaxNewTokens = 1200 } };

        var updates = await Replies.Collect(nano.Generator.StreamAsync(prompt with { StartsInReasoning = false, SplitReasoning = false }, options));

        var reply = updates[^1].Completion!;
        Assert.True(prompt.ReadsToolCalls);
        Assert.Equal(FinishReason.Stop, reply.FinishReason);
        var call = Assert.Single(reply.ToolCalls);
        Assert.Equal([call], updates.SelectMany(update => update.ToolCalls));
        Assert.Equal("weather", call.Name);
        Assert.InRange(JsonElement.Parse(call.Arguments).GetProperty("days").GetInt32(), 1, 9);
        Assert.Equal(("", ""), (reply.Text, Replies.Text(updates)));
    }

    [Fact]
    public async Task CompleteAsync_PromptWithinReasoning_ThinksAndThenCalls()
    {
        var tools = ConstraintWalk.Json("""[{"type": "function", "function": {"name": "add", "description": "Adds two whole numbers", "parameters": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 999}, "b": {"type": "integer", "minimum": 0, "maximum": 999}}, "required": ["a", "b"]}}}]""");
        var prompt = nano.Generator.Chat([ChatMessage.User("What is 123 + 456?")]) with { ReadsToolCalls = true };

        var reply = await nano.Generator.CompleteAsync(prompt, new TextOptions { Constraint = TextConstraint.ToolCalls(tools, parallel: false), Generation = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 1500 } });

        Assert.True(prompt.StartsInReasoning);
        Assert.NotEmpty(reply.Reasoning!);
        Assert.Equal("", reply.Text);
        Assert.Equal("add", Assert.Single(reply.ToolCalls).Name);
    }

    [Fact]
    public void Chat_ConversationWithCalls_IsRenderedForATemplateWithoutThem()
    {
        var messages = ChatMessage.ParseMessages("""
            [{"role": "user", "content": "Weather?"},
             {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
             {"role": "tool", "content": "sunny", "tool_call_id": "c1"}]
            """);

        var text = nano.Generator.Tokenizer!.Decode([.. nano.Generator.Chat(messages).Ids]);

        Assert.Contains("<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n", text, StringComparison.Ordinal);
        Assert.EndsWith("<｜User｜>Result of the function weather:\nsunny<｜Assistant｜><think>\n", text, StringComparison.Ordinal);
        Assert.False(nano.Generator.Chat(messages, ConstraintWalk.Json("[]")).ReadsToolCalls);
    }

    [Fact]
    public async Task CompleteAsync_PromptThatDoesNotReadCalls_LeavesThemInTheText()
    {
        var constraint = TextConstraint.ToolCalls(Tools, "now", parallel: false);

        var reply = await nano.Generator.CompleteAsync(new TextPrompt(Nano.Prompts[0]), new TextOptions { Constraint = constraint, Generation = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 400 } });

        Assert.Empty(reply.ToolCalls);
        Assert.Equal([new ToolCall("now", "{}")], ToolCallParser.Split(reply.Text!).Calls.Select(call => call with { Arguments = call.Arguments.Replace("\n", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal) }));
    }
}
