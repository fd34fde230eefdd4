using System.Diagnostics;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Generation;

/// <summary>A request on its way through a <see cref="ContinuousBatcher"/>.</summary>
internal sealed class BatchedSequence
{
    private readonly ITokenSink _sink;
    private readonly Activity? _activity;
    private readonly long _asked = Stopwatch.GetTimestamp();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _generated;

    public BatchedSequence(Sequence sequence, object? owner, ITokenSink sink, CancellationToken cancellationToken)
    {
        (Sequence, Owner, _sink, CancellationToken) = (sequence, owner, sink, cancellationToken);
        _activity = GenerationActivities.Source.StartActivity(GenerationActivities.Generate);
        _activity?.SetTag("deepseek.prompt_tokens", sequence.Prompt.Length);
    }

    /// <summary>The sequence.</summary>
    public Sequence Sequence { get; }

    /// <summary>Whose text it is; null for nobody's.</summary>
    public object? Owner { get; }

    /// <summary>Ends it.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>Tokens of the prompt that a kept cache held; known from the first token on.</summary>
    public int CachedTokens { get; private set; }

    /// <summary>Completes when the batcher has let go of the sequence and its cache.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Tokens for which the cache has taken memory, or is going to soon.</summary>
    public long CacheTokens => Math.Max(Sequence.Cache.Capacity, Sequence.Prompt.Length);

    /// <summary>Begins the prompt.</summary>
    /// <param name="cache">A cache that holds a beginning of it; null for none.</param>
    public void Begin(SequenceCache? cache)
    {
        if (cache is not null)
            Sequence.Adopt(cache);
        CachedTokens = cache?.Length ?? 0;
        GenerationMeters.QueueTime.Record(Stopwatch.GetElapsedTime(_asked).TotalSeconds);
        GenerationMeters.CachedTokens.Add(CachedTokens);
        _activity?.SetTag("deepseek.cached_tokens", CachedTokens);
        _activity?.AddEvent(new ActivityEvent("begun"));
    }

    /// <summary>Chooses a token and hands it out.</summary>
    public void Choose(ReadOnlySpan<float> logits)
    {
        var token = Sequence.Choose(logits);
        if (_generated++ == 0)
        {
            GenerationMeters.FirstToken.Record(Stopwatch.GetElapsedTime(_asked).TotalSeconds);
            _activity?.AddEvent(new ActivityEvent("first_token"));
        }
        else
        {
            GenerationMeters.TokenTime.Record(token.Elapsed.TotalSeconds);
        }

        GenerationMeters.GeneratedTokens.Add(1);
        _sink.Add(token);
    }

    /// <summary>Ends it; its cache is no longer used.</summary>
    /// <param name="outcome">finished, cancelled or failed.</param>
    /// <param name="fault">Why it ended early; null where it did not.</param>
    public void End(string outcome, Exception? fault)
    {
        GenerationMeters.Requests.Add(1, new KeyValuePair<string, object?>("deepseek.outcome", outcome));
        _activity?.SetTag("deepseek.generated_tokens", _generated);
        _activity?.SetTag("deepseek.outcome", outcome);
        if (outcome == GenerationActivities.Failed)
            _activity?.SetStatus(ActivityStatusCode.Error, fault?.Message);
        _activity?.Dispose();
        _sink.Complete(fault);
        _ended.TrySetResult();
    }
}
