using System.Runtime.CompilerServices;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;

namespace Deepseek.Inference.Generation;

/// <summary>Continues sequences of several callers together: each pass of the model reads its weights once for all of them. Requests join and leave at any token.</summary>
/// <remarks>
/// <para>Thread-safe. Requests are begun in the order in which they came, as places become free; beyond <see cref="BatchingOptions.MaxQueue"/> waiting ones they are refused.</para>
/// <para>
/// What a request gets is what it would have got alone: on the CPU operations to the last bit, on the Torch operations within tolerance. That holds for its faults too: a fault of one request ends that request.
/// </para>
/// <para>
/// Prompts pass in pieces beside the sequences that decode, so that a pass serves both. A text that begins like an earlier one goes on from that one's cache, and computes the rest alone.
/// </para>
/// </remarks>
public sealed partial class ContinuousBatcher : IAsyncDisposable
{
    private readonly Generator _generator;
    private readonly BatchingOptions _options;
    private readonly Lock _lock = new();
    private readonly LinkedList<BatchedSequence> _waiting = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly CancellationTokenSource _shutdown = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BatchingStatistics _statistics;
    private bool _closed;

    /// <summary>Begins to serve requests, on a thread of its own.</summary>
    /// <param name="generator">What continues sequences; its model stays the caller's, and may serve other callers as well.</param>
    /// <param name="options">How the model is shared out; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    public ContinuousBatcher(Generator generator, BatchingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(generator);
        _options = options ?? new BatchingOptions();
        _options.Validate();
        _generator = generator;
        (_promptTokens, _promptTokensAlone) = PromptTokens(generator.Model, _options);
        _cacheTokens = _options.CacheTokens ?? generator.Model.DefaultCacheTokens();
        new Thread(Run) { IsBackground = true, Name = "Deepseek.Inference batching" }.Start();
    }

    /// <summary>What is done, and has been done so far.</summary>
    public BatchingStatistics Statistics
    {
        get
        {
            lock (_lock)
                return _statistics with { Waiting = _waiting.Count };
        }
    }

    /// <summary>Continues a sequence.</summary>
    /// <param name="request">The sequence.</param>
    /// <param name="cancellationToken">Ends it between two passes, or within a pass that serves it alone.</param>
    /// <returns>The tokens as they come; the last one has a finish reason. They are generated whether or not they are awaited, once the first has been.</returns>
    /// <exception cref="ArgumentException">
    /// The prompt is empty or does not fit the context, the cache is another model's, or options are at fault; thrown by the call itself.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not of the vocabulary; thrown by the call itself.</exception>
    /// <exception cref="QueueFullException">Too many requests wait; thrown where the first token is awaited.</exception>
    /// <exception cref="ObjectDisposedException">The batcher has been stopped or disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IAsyncEnumerable<TokenResult> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        _ = new Sequence(0, request, _generator.Model, _generator.Defaults); // finds every fault before any work
        return ReadAsync(request, null, (_, token) => token, cancellationToken);
    }

    /// <summary>Runs a request, and reads its tokens on the thread that generates them.</summary>
    /// <param name="request">The sequence.</param>
    /// <param name="owner">Whose text it is; null for nobody's.</param>
    /// <param name="read">Makes an item of a token; must not block.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal async IAsyncEnumerable<T> ReadAsync<T>(
        GenerationRequest request, object? owner, Func<BatchedSequence, TokenResult, T> read, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken); // cancelled as well where the reader goes away
        BatchedSequence? sequence = null;
        var channel = new TokenChannel<T>(token => read(sequence!, token));
        sequence = new BatchedSequence(new Sequence(0, request, _generator.Model, _generator.Defaults), owner, channel, left.Token);
        Enqueue(sequence);
        try
        {
            await foreach (var item in channel.Reader.ReadAllAsync(left.Token).ConfigureAwait(false))
                yield return item;
        }
        finally
        {
            await left.CancelAsync().ConfigureAwait(false);
            if (request.Cache is not null)
                await sequence.Ended.ConfigureAwait(false); // the cache is the caller's again
        }
    }

    /// <summary>Refuses further requests, and waits for those that were accepted.</summary>
    /// <param name="cancellationToken">Ends the wait; requests under way go on until the batcher is disposed.</param>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
            _closed = true;
        _work.Release();
        return _stopped.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Ends all requests and the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        await _shutdown.CancelAsync().ConfigureAwait(false);
        await StopAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private void Enqueue(BatchedSequence sequence)
    {
        Exception fault;
        lock (_lock)
        {
            if (_closed)
            {
                fault = new ObjectDisposedException(nameof(ContinuousBatcher));
            }
            else if (sequence.CancellationToken.IsCancellationRequested)
            {
                fault = new OperationCanceledException(sequence.CancellationToken);
            }
            else if (_waiting.Count < _options.MaxQueue || (_waiting.Count == 0 && _statistics.Running < _options.MaxBatch))
            {
                sequence.Sequence.Begin();
                _waiting.AddLast(sequence);
                GenerationMeters.Waiting.Add(1);
                _work.Release();
                return;
            }
            else
            {
                _statistics = _statistics with { Refused = _statistics.Refused + 1 };
                fault = new QueueFullException(_options.MaxQueue);
            }
        }

        sequence.End(fault is OperationCanceledException ? GenerationActivities.Cancelled : GenerationActivities.Refused, fault);
        throw fault;
    }

    private static (int Beside, int Alone) PromptTokens(LanguageModel model, BatchingOptions options)
    {
        // Of a model that pages, a prompt's pass reads most experts: the fewer passes, the better for all.
        var pages = model.Paging is not null;
        var alone = pages ? model.ChunkTokens : Math.Min(model.ChunkTokens, 512);
        return (Math.Min(options.PromptTokens ?? (pages ? int.MaxValue : 32), model.ChunkTokens), alone);
    }
}
