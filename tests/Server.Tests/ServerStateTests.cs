using System.Net;
using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Nano;
using Deepseek.Inference.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Deepseek.Inference.Server.Tests;

/// <summary>What depends on the server's state: keys, a full queue, a model that cannot be loaded, an end that is near, clients that go.</summary>
public sealed class ServerStateTests
{
    // The end token is banned: the reply goes on until the context is full.
    private const string Endless = "\"logit_bias\": {\"1\": -100}, \"temperature\": 1";
    private const string Chat = "/v1/chat/completions";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Keys_MissingWrongOrRight_AreToldApart()
    {
        await using var server = await RunningServer.StartAsync(options: new DeepseekServerOptions { ApiKeys = ["first", "second"] });

        foreach (var path in (string[])["/v1/models", "/v1/nothing", "/stats", "/metrics"])
        {
            using var missing = await server.Client.GetAsync(path);
            await missing.RequireFaultAsync(HttpStatusCode.Unauthorized, "The request has no API key; send the header \"Authorization: Bearer KEY\".", code: "invalid_api_key");
            Assert.Equal("Bearer", missing.Headers.WwwAuthenticate.ToString());
        }

        using var chat = await server.PostAsync(Chat, "{");
        await chat.RequireFaultAsync(HttpStatusCode.Unauthorized, "The request has no API key; …", code: "invalid_api_key");
        foreach (var key in (string[])["", "third", "firs", "firstt", "First", "first second"])
        {
            using var wrong = await SendAsync(server, key);
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
            Assert.DoesNotContain("first", await wrong.Content.ReadAsStringAsync(), StringComparison.OrdinalIgnoreCase);
        }

        using var stranger = await SendAsync(server, "third");
        await stranger.RequireFaultAsync(HttpStatusCode.Unauthorized, "The API key is not one of this server's. Ask whoever runs it for one.", code: "invalid_api_key");
        foreach (var key in (string[])["first", "second"])
        {
            using var right = await SendAsync(server, key);
            Assert.Equal(HttpStatusCode.OK, right.StatusCode);
        }

        using var health = await server.Client.GetAsync("/health");
        Assert.NotEqual(HttpStatusCode.Unauthorized, health.StatusCode);

        static Task<HttpResponseMessage> SendAsync(RunningServer server, string key)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
            return server.Client.SendAsync(request);
        }
    }

    [Fact]
    public async Task Post_QueueFull_IsToldToTryAgain()
    {
        using var nano = AlteredNano.WithLongContext();
        await using var server = await RunningServer.StartAsync(
            model => (model.ModelPath, model.Batching) = (nano.Folder, new BatchingOptions { MaxBatch = 1, MaxQueue = 0, PreparedAhead = 0 }));
        using var busy = await server.PostAsync(Chat, RunningServer.ChatJson("Hi", Endless + ", \"stream\": true"), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, busy.StatusCode);

        using var refused = await server.PostAsync(Chat, RunningServer.ChatJson("Hi"));
        using var stream = await server.PostAsync(Chat, RunningServer.ChatJson("Hi", "\"stream\": true"));

        foreach (var response in (HttpResponseMessage[])[refused, stream])
        {
            await response.RequireFaultAsync(
                HttpStatusCode.TooManyRequests, "0 requests wait already, which is the server's limit. Try again in a moment.", code: "rate_limit_exceeded", type: "rate_limit_error");
            Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter!.Delta);
        }
    }

    [Fact]
    public async Task Post_ModelThatCannotBeLoaded_IsUnavailableWithoutItsPlace()
    {
        var folder = Directory.CreateTempSubdirectory("no-model-");
        try
        {
            await using var server = await RunningServer.StartAsync(model => (model.ModelPath, model.ModelId) = (folder.FullName, "deepseek-nano"));

            using var response = await server.PostAsync(Chat, RunningServer.ChatJson("Hi"));
            using var health = await server.Client.GetAsync("/health");
            using var stats = await server.Client.GetAsync("/stats");

            await response.RequireFaultAsync(HttpStatusCode.ServiceUnavailable, "deepseek-nano could not be loaded; the server's log says why. Tell whoever runs it.", code: "model_not_loaded", type: "server_error");
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "{\"status\":\"failed\"}"), (health.StatusCode, await health.Content.ReadAsStringAsync()));
            Assert.Equal("failed", JsonElement.Parse(await stats.Content.ReadAsStringAsync()).GetProperty("state").GetString());
        }
        finally
        {
            folder.Delete();
        }
    }

    [Fact]
    public async Task Health_NobodyHasAskedYet_BeginsToLoadUntilItIsReady()
    {
        await using var server = await RunningServer.StartAsync(model => model.LoadAtStart = false);

        using var first = await server.Client.GetAsync("/health");
        await server.ServiceAsync();
        using var second = await server.Client.GetAsync("/health");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "{\"status\":\"loading\"}"), (first.StatusCode, await first.Content.ReadAsStringAsync()));
        Assert.Equal((HttpStatusCode.OK, "{\"status\":\"ok\"}"), (second.StatusCode, await second.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Post_ServerThatStops_IsUnavailable()
    {
        await using var server = await RunningServer.StartAsync();
        await (await server.ServiceAsync()).StopAsync();

        using var response = await server.PostAsync(Chat, RunningServer.ChatJson("Hi"));

        await response.RequireFaultAsync(
            HttpStatusCode.ServiceUnavailable, "The server is stopping. Ask another one, or this one again once it has started.", code: "stopping", type: "server_error");
    }

    [Theory]
    [InlineData(Chat, false)]
    [InlineData(Chat, true)]
    [InlineData("/v1/completions", true)]
    public async Task Post_LongerThanTheTimeout_EndsWithAFault(string path, bool stream)
    {
        const string Message = "The reply took longer than 0.5 s, which is the server's limit. Ask for fewer tokens, or try again when it is less busy.";
        using var nano = AlteredNano.WithLongContext();
        await using var server = await RunningServer.StartAsync(model => model.ModelPath = nano.Folder, new DeepseekServerOptions { RequestTimeout = TimeSpan.FromSeconds(0.5) });
        var service = await server.ServiceAsync();
        var members = Endless + (stream ? ", \"stream\": true" : "");

        using var response = await server.PostAsync(path, path == Chat ? RunningServer.ChatJson("Hi", members) : $$"""{"model": "deepseek-nano", "prompt": "Hi", "max_tokens": 60000, {{members}}}""");

        if (response.StatusCode == HttpStatusCode.OK)
        {
            var events = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
            Assert.True(stream && events.Length > 1);
            Assert.Equal(Message, JsonElement.Parse(events[^1]["data: ".Length..]).GetProperty("error").GetProperty("message").GetString());
        }
        else
        {
            // A stream may not have begun in that time on a busy machine.
            await response.RequireFaultAsync(HttpStatusCode.GatewayTimeout, Message, code: "timeout", type: "server_error");
        }

        await UntilAsync(() => service.Statistics is { Running: 0, Waiting: 0 });
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    [InlineData(false, 3)]
    public async Task Post_ClientThatGoes_EndsItsReplies(bool stream, int choices)
    {
        using var nano = AlteredNano.WithLongContext();
        await using var server = await RunningServer.StartAsync(model => model.ModelPath = nano.Folder);
        var service = await server.ServiceAsync();
        using var gone = new CancellationTokenSource();
        var json = RunningServer.ChatJson("Hi", $"{Endless}, \"n\": {choices}{(stream ? ", \"stream\": true" : "")}");

        var request = server.PostAsync(Chat, json, HttpCompletionOption.ResponseHeadersRead, gone.Token);
        await UntilAsync(() => service.Statistics.GeneratedTokens > 10);
        if (stream)
            (await request).Dispose();
        await gone.CancelAsync();

        await UntilAsync(() => service.Statistics is { Running: 0, Waiting: 0 });
        Assert.Equal((choices, 0, 0), ((int)service.Statistics.Cancelled, (int)service.Statistics.Failed, (int)service.Statistics.Finished));
        await ((Task)request).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Fact]
    public async Task Post_FaultOfTheServer_IsLoggedAndNotTold()
    {
        var clock = new BrokenClock();
        var log = new ListLog();
        await using var server = await RunningServer.StartAsync(configure: builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(clock);
            builder.Logging.AddProvider(log);
        });
        clock.Breaks = true;

        using var response = await server.PostAsync(Chat, RunningServer.ChatJson("Hi"));

        await response.RequireFaultAsync(
            HttpStatusCode.InternalServerError, "The server has met a fault of its own while it answered; its log says which. Try again, or tell whoever runs it.", code: "internal_error", type: "server_error");
        Assert.Contains(log.Lines, line => line.Contains("/v1/chat/completions could not be answered.", StringComparison.Ordinal) && line.Contains(BrokenClock.Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stop_WhileAReplyStreams_LetsItEnd()
    {
        var server = await RunningServer.StartAsync();
        await using var _ = server;
        var whole = await server.ChatAsync("Hi", "\"temperature\": 1, \"seed\": 4, \"logit_bias\": {\"1\": -100}, \"max_tokens\": 400");
        var json = RunningServer.ChatJson("Hi", "\"temperature\": 1, \"seed\": 4, \"logit_bias\": {\"1\": -100}, \"max_tokens\": 400, \"stream\": true");
        using var response = await server.PostAsync(Chat, json, HttpCompletionOption.ResponseHeadersRead);

        var stop = server.App.StopAsync();
        var text = await response.Content.ReadAsStringAsync();
        await stop;

        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", events[^1]);
        var reasoning = string.Concat(events[..^1].Select(item => JsonElement.Parse(item["data: ".Length..]).GetProperty("choices")[0].GetProperty("delta"))
            .Select(delta => delta.TryGetProperty("reasoning_content", out var piece) ? piece.GetString() : ""));
        Assert.Equal(whole.GetProperty("choices")[0].GetProperty("message").GetProperty("reasoning_content").GetString(), reasoning);
    }

    [Fact]
    public async Task Map_ModelUnderAKey_IsServedByItsName()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddKeyedDeepseekChatClient("small", options => (options.ModelPath, options.ModelId) = (NanoModel.Folder, "small-model"));
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapDeepseekOpenAI(key: "small");
        app.MapGet("/", () => "page");
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        Assert.Contains("small-model", await client.GetStringAsync("/v1/models"), StringComparison.Ordinal);
        Assert.Equal("page", await client.GetStringAsync("/"));
        await app.StopAsync();
    }

    [Fact]
    public async Task Map_NoModel_IsRefused()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();

        Assert.Equal("No model was added; call services.AddDeepseekChatClient(…) before.", Assert.Throws<InvalidOperationException>(() => app.MapDeepseekOpenAI()).Message);
        Assert.Equal(
            "No model was added under the key 'a'; call services.AddKeyedDeepseekChatClient(key, …) before.", Assert.Throws<InvalidOperationException>(() => app.MapDeepseekOpenAI(key: "a")).Message);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var timeout = new CancellationTokenSource(Patience);
        while (!condition())
            await Task.Delay(5, timeout.Token);
    }

    private sealed class BrokenClock : TimeProvider
    {
        public const string Secret = "the insides of the clock";

        public bool Breaks { get; set; }

        public override DateTimeOffset GetUtcNow() => Breaks ? throw new InvalidTimeZoneException(Secret) : base.GetUtcNow();
    }

    private sealed class ListLog : ILoggerProvider, ILogger
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Lines)
                Lines.Add($"{formatter(state, exception)} {exception}");
        }

        public void Dispose()
        {
        }
    }
}
