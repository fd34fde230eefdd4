using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Server.Replies;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary><c>GET /stats</c>: what the server does, for people and pages.</summary>
internal sealed class StatsEndpoint : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    private readonly DeepseekModelHost _host;
    private readonly TimeProvider _clock;
    private readonly long _begun;
    private readonly TokenRate _rate;
    private readonly ITimer _looks;

    public StatsEndpoint(DeepseekModelHost host, TimeProvider clock)
    {
        (_host, _clock, _begun, _rate) = (host, clock, clock.GetTimestamp(), new TokenRate(clock));
        _looks = clock.CreateTimer(_ => Observe(), null, Look, Look);
    }

    public async Task HandleAsync(HttpContext http, CancellationToken cancellationToken)
    {
        var service = _host.State == DeepseekModelState.Ready ? await _host.GetAsync(cancellationToken).ConfigureAwait(false) : null;
        await JsonReply.WriteAsync(http.Response, StatusCodes.Status200OK, json => Write(json, service), cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _looks.Dispose();

    private void Observe()
    {
        if (_host.Service is { } service)
            _rate.Observe(service.Statistics.GeneratedTokens);
    }

    private void Write(Utf8JsonWriter json, TextService? service)
    {
        json.WriteString("model", _host.ModelId);
        json.WriteString("state", _host.State switch
        {
            DeepseekModelState.Ready => "ready",
            DeepseekModelState.Failed => "failed",
            DeepseekModelState.Loading => "loading",
            _ => "unloaded",
        });
        json.WriteNumber("uptime_seconds", Math.Round(_clock.GetElapsedTime(_begun).TotalSeconds, 1));
        WriteBatching(json, service?.Statistics ?? default);
        WritePaging(json, service?.Generator.Model.Paging);
        json.WriteStartObject("memory");
        json.WriteNumber("resident_bytes", Environment.WorkingSet);
        json.WriteEndObject();
    }

    private void WriteBatching(Utf8JsonWriter json, BatchingStatistics batching)
    {
        json.WriteStartObject("requests");
        json.WriteNumber("waiting", batching.Waiting);
        json.WriteNumber("running", batching.Running);
        json.WriteNumber("finished", batching.Finished);
        json.WriteNumber("cancelled", batching.Cancelled);
        json.WriteNumber("failed", batching.Failed);
        json.WriteNumber("refused", batching.Refused);
        json.WriteEndObject();
        json.WriteStartObject("tokens");
        json.WriteNumber("prompt", batching.PromptTokens);
        json.WriteNumber("cached", batching.CachedTokens);
        json.WriteNumber("generated", batching.GeneratedTokens);
        json.WriteNumber("generated_per_second", Math.Round(_rate.PerSecond, 2));
        json.WriteEndObject();
        json.WriteNumber("passes", batching.Passes);
        json.WriteStartObject("caches");
        json.WriteNumber("kept", batching.KeptCaches);
        json.WriteNumber("tokens", batching.CacheTokens);
        json.WriteNumber("tokens_limit", batching.CacheTokensLimit);
        json.WriteEndObject();
    }

    private static void WritePaging(Utf8JsonWriter json, PagingStatistics? statistics)
    {
        if (statistics is not { } paging)
        {
            json.WriteNull("paging");
            return;
        }

        json.WriteStartObject("paging");
        json.WriteNumber("hit_rate", Math.Round(paging.HitRate, 4));
        json.WriteNumber("hits", paging.Hits);
        json.WriteNumber("misses", paging.Misses);
        json.WriteNumber("read_bytes", paging.ReadBytes);
        json.WriteNumber("slots", paging.Slots);
        json.WriteNumber("filled_slots", paging.FilledSlots);
        json.WriteNumber("slot_bytes", paging.SlotBytes);
        json.WriteEndObject();
    }
}
