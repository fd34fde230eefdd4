using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Deepseek.Inference.Server.Tests.Page.Support;

/// <summary>The page before a server that says what a test wants, when it wants it: what no model can be made to do on time.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    public const string Model = "scripted";

    private readonly WebApplication _app;

    private ScriptedServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.First() + "/");

    /// <summary>The requests for replies so far.</summary>
    public ConcurrentQueue<JsonElement> Requests { get; } = new();

    /// <summary>What the next pieces of a reply are; a test writes here while the page reads. Completed, it ends the reply.</summary>
    public Channel<string> Events { get; private set; } = Channel.CreateUnbounded<string>();

    /// <summary>Set once a reader of a reply has gone before its end.</summary>
    public TaskCompletionSource Gone { get; } = new();

    /// <summary>Answers a request in another way than by events; true where it did.</summary>
    public Func<HttpContext, Task<bool>> Refuse { get; set; } = _ => Task.FromResult(false);

    /// <summary>What <c>/health</c> says.</summary>
    public string Health { get; set; } = "ok";

    /// <summary>What <c>/stats</c> says of paging, as JSON.</summary>
    public string Paging { get; set; } = "null";

    public static async Task<ScriptedServer> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        var server = new ScriptedServer(app);
        app.UseRouting();
        app.MapDeepseekPage();
        app.MapGet("/health", http => Json(http, server.Health == "ok" ? 200 : 503, $$"""{"status": "{{server.Health}}"}"""));
        app.MapGet("/v1/models", server.ModelsAsync);
        app.MapGet("/stats", server.StatsAsync);
        app.MapPost("/v1/chat/completions", server.ChatAsync);
        await app.StartAsync();
        return server;
    }

    public void Think(string text) => Delta("reasoning_content", text);

    public void Say(string text) => Delta("content", text);

    /// <summary>Ends a reply as the API does.</summary>
    public void Finish(string reason = "stop", int tokens = 7, int thoughts = 0)
    {
        Write($$$"""{"choices": [{"index": 0, "delta": {}, "finish_reason": "{{{reason}}}"}], "usage": null}""");
        Write($$$"""{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": {{{tokens}}}, "completion_tokens_details": {"reasoning_tokens": {{{thoughts}}} } } }""");
        Write("[DONE]");
        Events.Writer.Complete();
    }

    /// <summary>Says a whole reply.</summary>
    public void Reply(string text)
    {
        Say(text);
        Finish();
    }

    public void Write(string data) => Events.Writer.TryWrite(data);

    /// <summary>Refuses as the API does.</summary>
    public static async Task<bool> RefuseAsync(HttpContext http, int status, string message)
    {
        await Json(http, status, $$"""{"error": {"message": {{JsonSerializer.Serialize(message)}}, "type": "x", "param": null, "code": null} }""");
        return true;
    }

    public Task StopAsync() => _app.StopAsync(new CancellationToken(canceled: true));

    public async ValueTask DisposeAsync()
    {
        Events.Writer.TryComplete();
        await StopAsync();
        await _app.DisposeAsync();
    }

    private void Delta(string member, string text) => Write($$$"""{"choices": [{"index": 0, "delta": {"{{{member}}}": {{{JsonSerializer.Serialize(text)}}} }, "finish_reason": null}], "usage": null}""");

    private async Task ModelsAsync(HttpContext http)
    {
        if (!await Refuse(http))
            await Json(http, 200, $$"""{"object": "list", "data": [{"id": "{{Model}}", "object": "model"}]}""");
    }

    private async Task StatsAsync(HttpContext http)
    {
        if (await Refuse(http))
            return;
        await Json(http, 200, $$"""
            {"model": "{{Model}}", "state": "ready", "uptime_seconds": 1, "requests": {"waiting": 2, "running": 3, "finished": 0, "cancelled": 0, "failed": 0, "refused": 0},
             "tokens": {"prompt": 5, "cached": 0, "generated": 1234, "generated_per_second": 12.34}, "passes": 1, "caches": {"kept": 1, "tokens": 89, "tokens_limit": 1000},
             "paging": {{Paging}}, "memory": {"resident_bytes": 5630000000} }
            """);
    }

    private async Task ChatAsync(HttpContext http)
    {
        Requests.Enqueue((await JsonDocument.ParseAsync(http.Request.Body)).RootElement);
        if (await Refuse(http))
            return;
        http.Response.ContentType = "text/event-stream";
        var events = Events.Reader;
        try
        {
            await foreach (var data in events.ReadAllAsync(http.RequestAborted))
            {
                await http.Response.WriteAsync($"data: {data}\n\n");
                await http.Response.Body.FlushAsync();
            }
        }
        catch (OperationCanceledException)
        {
            Gone.TrySetResult();
        }

        Events = Channel.CreateUnbounded<string>(); // for the next reply
    }

    private static Task Json(HttpContext http, int status, string json)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(json, Encoding.UTF8);
    }
}
