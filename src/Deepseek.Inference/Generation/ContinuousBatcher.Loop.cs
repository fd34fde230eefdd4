using Deepseek.Inference.Caching;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Generation;

// The thread: everything here runs on it alone.
public sealed partial class ContinuousBatcher
{
    // Tokens that a sequence is expected to need beyond its prompt, when it is judged whether its cache has room.
    private const int Reserved = 256;

    // A prompt waits for another one that is being computed where at least so many more of its tokens would be in that one's cache.
    private const int WorthWaiting = 32;

    private readonly int _promptTokens;
    private readonly int _promptTokensAlone;
    private readonly long _cacheTokens;
    private readonly List<BatchedSequence> _running = []; // in the order in which they were begun
    private readonly KeptCaches _kept = new();

    private void Run()
    {
        while (true)
        {
            DropCancelled();
            Admit();
            Report();
            if (_running.Count > 0)
            {
                Step();
                continue;
            }

            lock (_lock)
            {
                if (_closed && _waiting.Count == 0)
                    break;
            }

            _work.Wait();
        }

        _kept.Dispose();
        Report();
        _stopped.TrySetResult();
    }

    /// <summary>Lets go of what nobody waits for any more.</summary>
    private void DropCancelled()
    {
        List<BatchedSequence> dropped;
        lock (_lock)
        {
            dropped = [.. _waiting.Where(IsCancelled)];
            foreach (var sequence in dropped)
                Leave(sequence);
        }

        foreach (var sequence in dropped)
            End(sequence, GenerationActivities.Cancelled, Cancellation(sequence));
        for (var i = _running.Count - 1; i >= 0; i--)
        {
            if (IsCancelled(_running[i]))
                EndRunning(_running[i], GenerationActivities.Cancelled, Cancellation(_running[i]));
        }
    }

    /// <summary>Begins waiting requests, in their order, as long as there is room.</summary>
    private void Admit()
    {
        while (_running.Count < _options.MaxBatch + _options.PreparedAhead)
        {
            BatchedSequence? next;
            lock (_lock)
                next = _waiting.First?.Value;
            if (next is null || !MakeRoom(next) || IsWorthWaiting(next))
                return;

            lock (_lock)
                Leave(next);
            var prompt = next.Sequence.Prompt;
            next.Begin(_options.KeepCaches && next.Sequence.Release() is { Length: 0 } ? Beginning(prompt, next.Owner) : null);
            _running.Add(next);
            GenerationMeters.Running.Add(1);
            lock (_lock)
                _statistics = _statistics with { CachedTokens = _statistics.CachedTokens + next.CachedTokens };
        }
    }

    /// <summary>A cache that holds a beginning of a prompt: one that was kept, or a copy of one in use.</summary>
    private SequenceCache? Beginning(ReadOnlySpan<int> prompt, object? owner)
    {
        var most = prompt.Length - 1; // the last token is always run, for its logits
        var (best, shared) = ((SequenceCache?)null, 0);
        foreach (var sequence in _running)
        {
            if (sequence.Sequence.Cache.CommonBeginning(prompt) is var there && there > shared)
                (best, shared) = (sequence.Sequence.Cache, there);
        }

        return best is not null && Math.Min(shared, most) > _kept.SharedWith(prompt) && Math.Min(shared, most) >= KeptCaches.LeastShared
            ? best.Copy(Math.Min(shared, most))
            : _kept.Take(prompt, most, owner);
    }

    /// <summary>Whether a prompt that is being computed begins like a waiting one.</summary>
    private bool IsWorthWaiting(BatchedSequence next)
    {
        if (!_options.KeepCaches || next.Sequence.Release() is not { Length: 0 })
            return false;
        var prompt = next.Sequence.Prompt;
        var there = _kept.SharedWith(prompt);
        foreach (var sequence in _running)
            there = Math.Max(there, sequence.Sequence.Cache.CommonBeginning(prompt));
        foreach (var sequence in _running)
        {
            if (sequence.Sequence.Unread > 0 && sequence.Sequence.Prompt.CommonPrefixLength(prompt) >= there + WorthWaiting)
                return true;
        }

        return false;
    }

    /// <summary>Gives kept caches up for another sequence; false where those in use leave no room for it.</summary>
    private bool MakeRoom(BatchedSequence next)
    {
        var running = _running.Sum(sequence => sequence.CacheTokens + Reserved);
        var needed = next.CacheTokens + Reserved;
        if (_running.Count > 0 && running + needed > _cacheTokens)
            return false;
        _kept.Trim(Math.Max(0, _cacheTokens - running - needed));
        return true;
    }

    /// <summary>One pass of the model, and a token of each sequence whose prompt has passed.</summary>
    private void Step()
    {
        var inputs = Inputs();
        if (TryPass(inputs, out var pass, out var fault))
        {
            for (var row = 0; row < inputs.Count; row++)
                Choose(inputs[row].Sequence, pass.Logits(row));
            return;
        }

        // Of several, the others need not suffer for the one that is at fault.
        foreach (var input in inputs)
        {
            if (inputs.Count == 1 || !TryPass([input], out pass, out fault))
                EndRunning(input.Sequence, fault is OperationCanceledException ? GenerationActivities.Cancelled : GenerationActivities.Failed, fault);
            else
                Choose(input.Sequence, pass.Logits(0));
        }
    }

    /// <summary>What passes next: the last token of each sequence that decodes, and pieces of prompts.</summary>
    private List<(BatchedSequence Sequence, ReadOnlyMemory<int> Ids)> Inputs()
    {
        List<(BatchedSequence, ReadOnlyMemory<int>)> inputs =
            [.. _running.Where(running => running.Sequence.Unread == 0).Take(_options.MaxBatch).Select(running => (running, running.Sequence.Next()))];
        var room = inputs.Count > 0 ? _promptTokens : _promptTokensAlone;
        foreach (var running in _running.Where(running => running.Sequence.Unread > 0))
        {
            if (room <= 0)
                break;
            var ids = running.Sequence.Next(room);
            inputs.Add((running, ids));
            room -= ids.Length;
        }

        return inputs;
    }

    private bool TryPass(List<(BatchedSequence Sequence, ReadOnlyMemory<int> Ids)> inputs, out SequencePass pass, out Exception? fault)
    {
        (pass, fault) = (default, null);
        var prompts = inputs.Sum(input => Math.Min(input.Ids.Length, input.Sequence.Sequence.Unread));
        try
        {
            // A pass that serves several goes on for the others.
            using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_shutdown.Token, inputs.Count == 1 ? inputs[0].Sequence.CancellationToken : default);
            pass = SequencePass.Run(_generator.Model, [.. inputs.Select(input => (input.Sequence.Sequence, input.Ids))], cancellation.Token);
        }
#pragma warning disable CA1031 // every fault belongs to whoever awaits the request
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            fault = thrown;
            return false;
        }

        GenerationMeters.BatchSize.Record(inputs.Count);
        GenerationMeters.PromptTokens.Add(prompts);
        lock (_lock)
            _statistics = _statistics with { Passes = _statistics.Passes + 1, PromptTokens = _statistics.PromptTokens + prompts };
        return true;
    }

    private void Choose(BatchedSequence running, ReadOnlySpan<float> logits)
    {
        if (running.Sequence.Unread > 0)
            return; // more of its prompt follows
        try
        {
            running.Choose(logits);
        }
#pragma warning disable CA1031 // a processor or a stop rule of the caller's may throw anything
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            EndRunning(running, GenerationActivities.Failed, thrown);
            return;
        }

        lock (_lock)
            _statistics = _statistics with { GeneratedTokens = _statistics.GeneratedTokens + 1 };
        if (running.Sequence.HasEnded)
            EndRunning(running, GenerationActivities.Finished, null);
    }

    private void EndRunning(BatchedSequence running, string outcome, Exception? fault)
    {
        _running.Remove(running);
        GenerationMeters.Running.Add(-1);
        if (running.Sequence.Release() is { } cache)
        {
            if (_options.KeepCaches)
                _kept.Keep(cache, running.Owner);
            else
                cache.Dispose();
            _kept.Trim(Math.Max(0, _cacheTokens - _running.Sum(other => other.CacheTokens)));
        }

        End(running, outcome, fault);
    }

    private void End(BatchedSequence sequence, string outcome, Exception? fault)
    {
        lock (_lock)
        {
            _statistics = outcome switch
            {
                GenerationActivities.Finished => _statistics with { Finished = _statistics.Finished + 1 },
                GenerationActivities.Cancelled => _statistics with { Cancelled = _statistics.Cancelled + 1 },
                _ => _statistics with { Failed = _statistics.Failed + 1 },
            };
        }

        Report(); // before its reader goes on
        sequence.End(outcome, fault);
    }

    private void Report()
    {
        var (running, tokens) = (_running.Count, _running.Sum(sequence => (long)sequence.Sequence.Cache.Capacity) + _kept.Tokens);
        lock (_lock)
            _statistics = _statistics with { Running = running, CacheTokens = tokens, KeptCaches = _kept.Count, CacheTokensLimit = _cacheTokens };
    }

    /// <summary>Takes a request from the queue; the lock is held.</summary>
    private void Leave(BatchedSequence sequence)
    {
        _waiting.Remove(sequence);
        GenerationMeters.Waiting.Add(-1);
    }

    private bool IsCancelled(BatchedSequence sequence) => _shutdown.IsCancellationRequested || sequence.CancellationToken.IsCancellationRequested;

    private Exception Cancellation(BatchedSequence sequence) => sequence.CancellationToken.IsCancellationRequested
        ? new OperationCanceledException(sequence.CancellationToken)
        : new ObjectDisposedException(nameof(ContinuousBatcher));
}
