using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Server.Tests;

/// <summary>Many clients at once, some of which go away and some of which send nonsense.</summary>
/// <remarks><c>DEEPSEEK_LOAD_REQUESTS</c> sets how many requests there are.</remarks>
public sealed class LoadTests(ITestOutputHelper output)
{
    private const int Clients = 64;
    private const int Kinds = 11; // different requests; each is asked alone first
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly string[] Nonsense = ["", "{", "[]", "{\"model\": 1}", "{\"model\": \"deepseek-nano\", \"messages\": []}", "\u0000", new string('[', 1000)];

    [Fact]
    public async Task Load_ManyClients_EachGetsWhatItWouldGetAlone()
    {
        var requests = int.TryParse(Environment.GetEnvironmentVariable("DEEPSEEK_LOAD_REQUESTS"), NumberStyles.None, CultureInfo.InvariantCulture, out var set) ? set : 200;
        await using var server = await RunningServer.StartAsync(model => model.Batching = new BatchingOptions { MaxQueue = 1000 });
        var service = await server.ServiceAsync();
        var alone = new string[Kinds];
        for (var kind = 0; kind < Kinds; kind++)
            alone[kind] = Said(await SendAsync(server, kind, stream: false));
        var memory = Resident();

        var latencies = new ConcurrentBag<double>();
        var faults = new ConcurrentBag<string>();
        using var timeout = new CancellationTokenSource(Patience);
        var watch = Stopwatch.StartNew();
        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = Clients, CancellationToken = timeout.Token }, async (i, cancellationToken) =>
        {
            var fault = (i % 10) switch
            {
                3 => await LeaveAsync(server, i % Kinds, TimeSpan.FromMilliseconds(i % 97)),
                7 => await RequireRefusalAsync(server, Nonsense[i / 10 % Nonsense.Length]),
                _ => await AskAsync(i % Kinds, i % 2 == 0),
            };
            if (fault is not null)
                faults.Add(fault);
        });
        var elapsed = watch.Elapsed.TotalSeconds;

        Assert.Empty(faults);
        while (service.Statistics is not { Running: 0, Waiting: 0 })
            await Task.Delay(5, timeout.Token);
        Assert.Equal((0L, 0L), (service.Statistics.Failed, service.Statistics.Refused));
        Assert.InRange(service.Statistics.CacheTokens, 0, service.Statistics.CacheTokensLimit);
        Assert.InRange(Resident() - memory, long.MinValue, 200L << 20);

        // The server is as it was: the same answers again.
        for (var kind = 0; kind < Kinds; kind += 7)
            Assert.Equal(alone[kind], Said(await SendAsync(server, kind, stream: false)));
        var sorted = latencies.Order().ToList();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{requests} requests of {Clients} clients in {elapsed:0.0} s; whole replies of up to 16 tokens after {At(0.5):0} ms (median), {At(0.9):0} (90 %), {At(0.99):0} (99 %), {sorted[^1]:0} (last)."));

        double At(double share) => sorted[(int)(share * (sorted.Count - 1))];

        async Task<string?> AskAsync(int kind, bool stream)
        {
            var begun = Stopwatch.GetTimestamp();
            var (status, body) = await SendAsync(server, kind, stream);
            latencies.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            if (status != HttpStatusCode.OK)
                return $"{status}: {body}";
            var said = stream ? SaidInPieces(body) : Said((status, body));
            return said == alone[kind] ? null : $"Kind {kind} said '{said}' in place of '{alone[kind]}'.";
        }
    }

    private static async Task<(HttpStatusCode Status, string Body)> SendAsync(RunningServer server, int kind, bool stream, CancellationToken cancellationToken = default)
    {
        using var response = await server.PostAsync("/v1/chat/completions", Json(kind, stream), cancellationToken: cancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    private static async Task<string?> LeaveAsync(RunningServer server, int kind, TimeSpan after)
    {
        using var gone = new CancellationTokenSource(after);
        try
        {
            await SendAsync(server, kind, stream: kind % 2 == 0, gone.Token);
        }
        catch (OperationCanceledException)
        {
            // As was meant; a reply may also have been quicker.
        }

        return null;
    }

    private static async Task<string?> RequireRefusalAsync(RunningServer server, string body)
    {
        using var response = await server.PostAsync("/v1/chat/completions", body);
        return response.StatusCode == HttpStatusCode.BadRequest ? null : $"Nonsense was answered by {response.StatusCode}.";
    }

    private static string Json(int kind, bool stream) => RunningServer.ChatJson(
        kind % 4 == 0 ? $"What is {kind} + {kind + 7}?" : $"Once upon a time there were {kind} mice",
        $"\"temperature\": 0.8, \"seed\": {kind}, \"max_tokens\": {4 + (kind % 13)}, \"stream\": {(stream ? "true" : "false")}");

    private static string Said((HttpStatusCode Status, string Body) reply)
    {
        Assert.True(reply.Status == HttpStatusCode.OK, reply.Body);
        var choice = JsonElement.Parse(reply.Body).GetProperty("choices")[0];
        var message = choice.GetProperty("message");
        return $"{(message.TryGetProperty("reasoning_content", out var reasoning) ? reasoning.GetString() : "")}|{message.GetProperty("content").GetString()}|{choice.GetProperty("finish_reason").GetString()}";
    }

    private static string SaidInPieces(string body)
    {
        var events = body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        if (events[^1] != "data: [DONE]")
            return $"a stream that ended with {events[^1]}";
        var choices = events[..^1].Select(item => JsonElement.Parse(item["data: ".Length..]).GetProperty("choices")[0]).ToList();
        return $"{Joined("reasoning_content")}|{Joined("content")}|{choices[^1].GetProperty("finish_reason").GetString()}";

        string Joined(string name) => string.Concat(choices.Select(choice => choice.GetProperty("delta").TryGetProperty(name, out var piece) ? piece.GetString() : ""));
    }

    private static long Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return Environment.WorkingSet;
    }
}
