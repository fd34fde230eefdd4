using System.Text;
using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

[assembly: AssemblyFixture(typeof(Deepseek.Inference.Server.Tests.ServerFixture))]

namespace Deepseek.Inference.Server.Tests;

/// <summary>The embedded model, served over a socket of this machine; one server for all tests that change nothing about it.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    public const string Model = "deepseek-nano";

    private RunningServer? _server;

    /// <summary>The server.</summary>
    internal RunningServer Server => _server!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server!.DisposeAsync();
}

/// <summary>A server at work, and a client of it.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10); // no test is decided by how busy a machine is

    private RunningServer(WebApplication app)
    {
        App = app;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = Patience };
    }

    public WebApplication App { get; }

    public HttpClient Client { get; }

    public DeepseekModelHost Host => App.Services.GetRequiredService<DeepseekModelHost>();

    /// <summary>Starts a server at a free port.</summary>
    /// <param name="model">Changes the model's options; the embedded model by default.</param>
    /// <param name="options">How requests are received.</param>
    /// <param name="configure">Changes the application.</param>
    public static async Task<RunningServer> StartAsync(Action<DeepseekOptions>? model = null, DeepseekServerOptions? options = null, Action<WebApplicationBuilder>? configure = null)
    {
        var app = DeepseekServer.Create(
            settings =>
            {
                settings.ModelPath = TestPaths.Nano;
                model?.Invoke(settings);
            },
            options, port: 0, configure: builder =>
            {
                builder.Logging.ClearProviders();
                builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(20));
                configure?.Invoke(builder);
            });
        await app.StartAsync();
        return new RunningServer(app);
    }

    public Task<TextService> ServiceAsync() => Host.GetAsync();

    /// <summary>Posts JSON.</summary>
    public Task<HttpResponseMessage> PostAsync(string path, string json, HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead, CancellationToken cancellationToken = default) =>
        Client.SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") }, completion, cancellationToken);

    /// <summary>Posts a chat of one question; further members of the request as JSON, such as <c>"seed": 1</c>.</summary>
    public async Task<JsonElement> ChatAsync(string question, string members = "")
    {
        using var response = await PostAsync("/v1/chat/completions", ChatJson(question, members));
        return await OkAsync(response);
    }

    public async Task<JsonElement> CompleteAsync(string members)
    {
        using var response = await PostAsync("/v1/completions", $$"""{"model": "{{ServerFixture.Model}}", {{members}}}""");
        return await OkAsync(response);
    }

    /// <summary>The events of a streamed response, without the last, <c>[DONE]</c>.</summary>
    public async Task<List<JsonElement>> StreamAsync(string path, string json)
    {
        using var response = await PostAsync(path, json);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.All(events, item => Assert.StartsWith("data: ", item, StringComparison.Ordinal));
        Assert.Equal("data: [DONE]", events[^1]);
        return [.. events[..^1].Select(item => JsonElement.Parse(item["data: ".Length..]))];
    }

    public static string ChatJson(string question, string members = "") =>
        $$"""{"model": "{{ServerFixture.Model}}", "messages": [{"role": "user", "content": {{JsonSerializer.Serialize(question)}}}]{{(members.Length > 0 ? ", " : "")}}{{members}}}""";

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
    }

    private static async Task<JsonElement> OkAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }
}
