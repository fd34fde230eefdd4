using System.Diagnostics;
using System.Runtime.InteropServices;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Generation;

/// <summary>A sequence on its way: what it has generated, how it chooses, when it ends.</summary>
internal sealed class Sequence : IDisposable
{
    private readonly GenerationRequest _request;
    private readonly GenerationOptions _options;
    private readonly SamplerChain _chain;
    private readonly long _seed;
    private readonly IReadOnlyList<int> _endTokens;
    private readonly int[] _context; // what the cache held before, and the prompt
    private IStopScan[] _scans = [];
    private readonly int _maxNewTokens;
    private readonly List<int> _generated = [];
    private int _read; // tokens of the prompt that the cache holds
    private float[] _scratch = []; // what the processors change, [vocabulary]
    private long _lastToken;

    /// <summary>Checks everything that can be checked before work starts.</summary>
    public Sequence(int index, GenerationRequest request, LanguageModel model, GenerationDefaults defaults)
    {
        Index = index;
        _request = request;
        _options = request.Options ?? new GenerationOptions();
        _options.Validate();
        if (request.Prompt.IsEmpty)
            throw new ArgumentException("The prompt has no tokens; it needs at least one, such as the begin token.", nameof(request));
        model.RequireIds(request.Prompt.Span);

        var sampling = _options.Sampling.Or(defaults);
        _chain = _options.Chain ?? SamplerChain.Create(sampling);
        _seed = sampling.Seed ?? SamplingRandom.NewSeed();
        _endTokens = EndTokensOf(_options, model, defaults);

        Cache = request.Cache ?? model.CreateCache();
        _context = [.. Cache.Ids, .. request.Prompt.Span];
        _maxNewTokens = MaxNewTokens(_context.Length, Cache.MaxLength);
        model.RequireInput(request.Prompt.Span, Cache);
    }

    /// <summary>The place among the requests.</summary>
    public int Index { get; }

    /// <summary>The sequence's cache.</summary>
    public SequenceCache Cache { get; private set; }

    /// <summary>The prompt.</summary>
    public ReadOnlySpan<int> Prompt => _request.Prompt.Span;

    /// <summary>Tokens of the prompt that have not passed the model; none once the first token has been chosen.</summary>
    public int Unread => _request.Prompt.Length - _read;

    /// <summary>Whether the last token has been generated.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>What goes through the model next: the prompt, or as much of it as is asked for, then the token generated last.</summary>
    /// <param name="most">Tokens at most, 1 or more.</param>
    public ReadOnlyMemory<int> Next(int most = int.MaxValue) =>
        Unread > 0 ? _request.Prompt.Slice(_read, Math.Min(most, Unread)) : new[] { _generated[^1] };

    /// <summary>What ends a sequence with these options: the caller's tokens, else the defaults', else the configuration's.</summary>
    public static IReadOnlyList<int> EndTokensOf(GenerationOptions options, LanguageModel model, GenerationDefaults defaults) =>
        options.EndTokens ?? (defaults.EndTokens.Count > 0 ? defaults.EndTokens : model.Config.EndTokens);

    /// <summary>Starts the clock, from which the first token's time counts, and the stop rules.</summary>
    public void Begin()
    {
        _scans = [.. _options.StopRules.Prepend(new StopTokens(_endTokens)).Select(rule => rule.Begin())];
        _lastToken = Stopwatch.GetTimestamp();
    }

    /// <summary>Goes on from a cache that holds a beginning of the prompt, before anything has passed the model.</summary>
    public void Adopt(SequenceCache cache)
    {
        Cache.Dispose();
        (Cache, _read) = (cache, cache.Length);
    }

    /// <summary>Gives the sequence's cache away; null where it is the caller's.</summary>
    public SequenceCache? Release() => _request.Cache is null ? Cache : null;

    /// <summary>Counts what has passed the model.</summary>
    /// <param name="tokens">How many; those after the prompt do not count.</param>
    /// <returns>Whether the prompt has passed, so that a token can be chosen.</returns>
    public bool Pass(int tokens)
    {
        _read = Math.Min(_request.Prompt.Length, _read + tokens);
        return Unread == 0;
    }

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">The model's logits, [vocabulary].</param>
    public TokenResult Choose(ReadOnlySpan<float> logits)
    {
        if (_scratch.Length != logits.Length)
            _scratch = new float[logits.Length];
        logits.CopyTo(_scratch);
        var context = new SamplingContext(_context, CollectionsMarshal.AsSpan(_generated));
        var id = _chain.Next(_scratch, context, _seed);
        _generated.Add(id);

        var decision = StopDecision.Continue;
        foreach (var scan in _scans)
        {
            if (decision == StopDecision.Continue)
                decision = scan.Accept(id);
        }

        var reason = decision != StopDecision.Continue ? FinishReason.Stop : _generated.Count == _maxNewTokens ? FinishReason.Length : (FinishReason?)null;
        HasEnded = reason is not null;
        var (previous, now) = (_lastToken, Stopwatch.GetTimestamp());
        _lastToken = now;
        var (chosen, best) = LogProbabilities.Report(logits, id, _options.Alternatives);
        return new TokenResult(id, chosen, best, Stopwatch.GetElapsedTime(previous, now), decision == StopDecision.StopBefore, reason);
    }

    public void Dispose()
    {
        if (_request.Cache is null)
            Cache.Dispose();
    }

    /// <summary>The last token needs no place in the cache: it is never run through the model.</summary>
    private int MaxNewTokens(int used, int length)
    {
        var room = length - used + 1;
        if (room < 1)
            throw new ArgumentException($"The prompt brings the text to {used} tokens; the context holds {length}. Shorten the prompt.");
        if (_options.MaxNewTokens > room)
            throw new ArgumentException($"The prompt brings the text to {used} tokens, and {_options.MaxNewTokens} new ones were asked for; the context holds {length}. Shorten the prompt, or lower {nameof(GenerationOptions.MaxNewTokens)} to {room}.");
        return _options.MaxNewTokens ?? room;
    }
}
