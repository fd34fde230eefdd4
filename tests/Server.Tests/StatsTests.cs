using System.Net;
using System.Text.Json;
using Deepseek.Inference.Server.Endpoints;

namespace Deepseek.Inference.Server.Tests;

/// <summary>What the server tells of itself.</summary>
public sealed class StatsTests(ServerFixture fixture)
{
    [Fact]
    public async Task Models_ListAndOne_AreTheModel()
    {
        var list = JsonElement.Parse(await fixture.Server.Client.GetStringAsync("/v1/models"));
        var one = JsonElement.Parse(await fixture.Server.Client.GetStringAsync("/v1/models/deepseek-nano"));

        Assert.Equal("list", list.GetProperty("object").GetString());
        Assert.True(JsonElement.DeepEquals(one, list.GetProperty("data").EnumerateArray().Single()));
        Assert.Equal(("deepseek-nano", "model", "deepseek"), (one.GetProperty("id").GetString(), one.GetProperty("object").GetString(), one.GetProperty("owned_by").GetString()));
    }

    [Theory]
    [InlineData("org/model")]
    [InlineData("org%2Fmodel")]
    public async Task Models_IdWithASlash_IsFound(string path)
    {
        await using var server = await RunningServer.StartAsync(model => (model.ModelId, model.LoadAtStart) = ("org/model", false));

        var one = JsonElement.Parse(await server.Client.GetStringAsync($"/v1/models/{path}"));

        Assert.Equal("org/model", one.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Models_AnotherOne_IsNotFound()
    {
        using var response = await fixture.Server.Client.GetAsync("/v1/models/gpt-4o");

        await response.RequireFaultAsync(HttpStatusCode.NotFound, "The model 'gpt-4o' is not served here; it must be 'deepseek-nano'.", code: "model_not_found");
    }

    [Fact]
    public async Task Stats_AfterAReply_CountIt()
    {
        await using var server = await RunningServer.StartAsync();
        var service = await server.ServiceAsync();
        var usage = (await server.ChatAsync("What is 1 + 2?", "\"temperature\": 0")).GetProperty("usage");

        var stats = JsonElement.Parse(await server.Client.GetStringAsync("/stats"));

        Assert.Equal(("deepseek-nano", "ready"), (stats.GetProperty("model").GetString(), stats.GetProperty("state").GetString()));
        var requests = stats.GetProperty("requests");
        Assert.Equal([0, 0, 1, 0, 0, 0], ((string[])["waiting", "running", "finished", "cancelled", "failed", "refused"]).Select(name => requests.GetProperty(name).GetInt32()));
        Assert.Equal(usage.GetProperty("completion_tokens").GetInt32(), stats.GetProperty("tokens").GetProperty("generated").GetInt32());
        Assert.Equal(usage.GetProperty("prompt_tokens").GetInt32(), stats.GetProperty("tokens").GetProperty("prompt").GetInt32());
        Assert.Equal(0, stats.GetProperty("tokens").GetProperty("cached").GetInt32());
        Assert.Equal(service.Statistics.Passes, stats.GetProperty("passes").GetInt64());
        Assert.Equal((1, service.Statistics.CacheTokens, service.Statistics.CacheTokensLimit), (
            stats.GetProperty("caches").GetProperty("kept").GetInt32(), stats.GetProperty("caches").GetProperty("tokens").GetInt64(), stats.GetProperty("caches").GetProperty("tokens_limit").GetInt64()));
        Assert.Equal(JsonValueKind.Null, stats.GetProperty("paging").ValueKind);
        Assert.InRange(stats.GetProperty("memory").GetProperty("resident_bytes").GetInt64(), 10_000_000, long.MaxValue);
        Assert.True(stats.GetProperty("uptime_seconds").GetDouble() >= 0);
        Assert.True(stats.GetProperty("tokens").GetProperty("generated_per_second").GetDouble() >= 0);
    }

    [Fact]
    public async Task Metrics_AfterAReply_AreTheMetersOfTheLibraryAndTheWebServer()
    {
        await fixture.Server.ChatAsync("What is 1 + 2?", "\"temperature\": 0");

        using var response = await fixture.Server.Client.GetAsync("/metrics");
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n');

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Contains("# TYPE deepseek_tokens_generated_total counter", lines);
        Assert.Contains(lines, line => line.StartsWith("deepseek_requests_total{deepseek_outcome=\"finished\"} ", StringComparison.Ordinal));
        Assert.Contains("# TYPE deepseek_request_first_token_seconds histogram", lines);
        Assert.Contains(lines, line => line.StartsWith("deepseek_token_duration_seconds_bucket{le=\"0.001\"} ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("http_server_request_duration_seconds_count{", StringComparison.Ordinal) && line.Contains("/v1/chat/completions", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("dotnet_process_memory_working_set_bytes ", StringComparison.Ordinal));
    }

    [Fact]
    public void TokenRate_SteadyCounts_IsTheirRateOverTheWindow()
    {
        var clock = new HandClock();
        var rate = new TokenRate(clock);
        Assert.Equal(0, rate.PerSecond);

        rate.Observe(0);
        Assert.Equal(0, rate.PerSecond);
        for (var i = 1; i <= 40; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(250));
            rate.Observe(i * 5);
        }

        Assert.Equal(20, rate.PerSecond, 9);
        for (var i = 0; i < 9; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(250));
            rate.Observe(200);
        }

        Assert.Equal(0, rate.PerSecond);
    }

    private sealed class HandClock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;
    }
}
