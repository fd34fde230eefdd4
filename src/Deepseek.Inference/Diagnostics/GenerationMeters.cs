using System.Diagnostics.Metrics;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Instruments of the meter <c>Deepseek.Inference</c> that tell what becomes of requests, of all models of the process together.</summary>
internal static class GenerationMeters
{
    private static readonly Meter Meter = new(PagingMeters.Name);

    public static Counter<long> Requests { get; } = Meter.CreateCounter<long>("deepseek.requests", "{request}", "Requests that ended, by deepseek.outcome: finished, cancelled, failed or refused.");

    public static UpDownCounter<int> Waiting { get; } = Meter.CreateUpDownCounter<int>("deepseek.requests.waiting", "{request}", "Requests that wait for a place.");

    public static UpDownCounter<int> Running { get; } = Meter.CreateUpDownCounter<int>("deepseek.requests.running", "{request}", "Sequences whose prompts are computed or that decode.");

    public static Counter<long> PromptTokens { get; } = Meter.CreateCounter<long>("deepseek.tokens.prompt", "{token}", "Tokens of prompts that passed the model.");

    public static Counter<long> CachedTokens { get; } = Meter.CreateCounter<long>("deepseek.tokens.cached", "{token}", "Tokens of prompts that a kept cache held.");

    public static Counter<long> GeneratedTokens { get; } = Meter.CreateCounter<long>("deepseek.tokens.generated", "{token}", "Tokens generated.");

    public static Histogram<int> BatchSize { get; } = Meter.CreateHistogram<int>("deepseek.batch.sequences", "{sequence}", "Sequences of a pass.");

    public static Histogram<double> QueueTime { get; } = Meter.CreateHistogram<double>("deepseek.request.queued", "s", "From a request to the begin of its prompt.");

    public static Histogram<double> FirstToken { get; } = Meter.CreateHistogram<double>("deepseek.request.first_token", "s", "From a request to its first token.");

    public static Histogram<double> TokenTime { get; } = Meter.CreateHistogram<double>("deepseek.token.duration", "s", "From one token of a sequence to the next.");
}
