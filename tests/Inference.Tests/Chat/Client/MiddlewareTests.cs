using System.Diagnostics;
using Deepseek.Inference.Chat;
using Microsoft.Extensions.AI;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Deepseek.Inference.Tests.Chat.Client;

/// <summary>The client among Microsoft.Extensions.AI's own middleware.</summary>
public sealed class MiddlewareTests(NanoHost nano) : IClassFixture<NanoHost>
{
    [Fact]
    public async Task UseFunctionInvocation_RequiredFunction_IsCalledAndAnsweredOn()
    {
        var calls = new List<int>();
        var add = AIFunctionFactory.Create((int a, int b) => { calls.Add(a + b); return a + b; }, "add", "Adds two numbers.");
        using var client = new DeepseekChatClient(nano.Host).AsBuilder().UseFunctionInvocation().Build();

        var response = await client.GetResponseAsync("What is 8 + 5?", new() { Temperature = 0, MaxOutputTokens = 300, Tools = [add], ToolMode = ChatToolMode.RequireSpecific("add") });

        var sum = Assert.Single(calls);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], response.Messages.Select(message => message.Role));
        var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Equal("add", call.Name);
        Assert.Equal(["a", "b"], call.Arguments!.Keys.Order());
        var result = Assert.Single(response.Messages[1].Contents.OfType<FunctionResultContent>());
        Assert.Equal((call.CallId, sum.ToString(System.Globalization.CultureInfo.InvariantCulture)), (result.CallId, result.Result!.ToString()!));
    }

    [Fact]
    public async Task GetStreamingResponseAsync_RequiredFunction_EndsForIt()
    {
        var weather = AIFunctionFactory.Create((DayOfWeek day) => day, "get_weather", "Tells the weather.");
        var updates = new List<ChatResponseUpdate>();

        await foreach (var update in new DeepseekChatClient(nano.Host).GetStreamingResponseAsync("Hello", new() { Temperature = 0, MaxOutputTokens = 300, Tools = [weather], ToolMode = ChatToolMode.RequireAny }))
            updates.Add(update);

        Assert.Equal(ChatFinishReason.ToolCalls, updates[^1].FinishReason);
        var call = Assert.Single(updates.SelectMany(update => update.Contents).OfType<FunctionCallContent>());
        Assert.Equal("get_weather", call.Name);
        Assert.NotNull(call.Arguments!["day"]);
    }

    [Fact]
    public async Task UseOpenTelemetry_Call_HasTheStandardSpansAndOurs()
    {
        var (spans, metrics) = (new List<Activity>(), new List<Metric>());
        using var tracing = Sdk.CreateTracerProviderBuilder().AddSource("Deepseek.Inference").AddSource("chat").SetSampler(new AlwaysOnSampler()).AddInMemoryExporter(spans).Build();
        using var metering = Sdk.CreateMeterProviderBuilder().AddMeter("Deepseek.Inference").AddInMemoryExporter(metrics).Build();
        using var client = new DeepseekChatClient(nano.Host).AsBuilder().UseOpenTelemetry(sourceName: "chat").Build();
        using var root = new Activity("test").Start();

        await client.GetResponseAsync("Hello", new() { Temperature = 0, MaxOutputTokens = 4 });
        tracing.ForceFlush();
        metering.ForceFlush();

        var mine = spans.Where(span => span.TraceId == root.TraceId).ToList();
        var chat = Assert.Single(mine, span => span.Source.Name == "chat");
        Assert.Equal("deepseek.inference", chat.GetTagItem("gen_ai.provider.name"));
        Assert.Equal(4, chat.GetTagItem("gen_ai.usage.output_tokens"));
        var generate = Assert.Single(mine, span => span.OperationName == "deepseek.generate");
        Assert.Equal(4, generate.GetTagItem("deepseek.generated_tokens"));
        Assert.Contains(metrics, metric => metric.Name == "deepseek.tokens.generated");
    }
}
