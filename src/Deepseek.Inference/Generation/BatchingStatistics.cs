namespace Deepseek.Inference.Generation;

/// <summary>What a <see cref="ContinuousBatcher"/> does and has done.</summary>
public readonly record struct BatchingStatistics
{
    /// <summary>Requests that wait for their prompt to be begun.</summary>
    public int Waiting { get; init; }

    /// <summary>Sequences whose prompts are being computed or that decode.</summary>
    public int Running { get; init; }

    /// <summary>Requests that came to their end.</summary>
    public long Finished { get; init; }

    /// <summary>Requests that were cancelled or left early.</summary>
    public long Cancelled { get; init; }

    /// <summary>Requests that ended with a fault of their own.</summary>
    public long Failed { get; init; }

    /// <summary>Requests that were refused because the queue was full.</summary>
    public long Refused { get; init; }

    /// <summary>Passes of the model.</summary>
    public long Passes { get; init; }

    /// <summary>Tokens of prompts that passed the model.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Tokens of prompts that a kept cache held.</summary>
    public long CachedTokens { get; init; }

    /// <summary>Tokens generated.</summary>
    public long GeneratedTokens { get; init; }

    /// <summary>Caches that are kept for later requests.</summary>
    public int KeptCaches { get; init; }

    /// <summary>Tokens for which caches have taken memory, those of running sequences and kept ones: 256 a cache at first, then twice as many each time.</summary>
    public long CacheTokens { get; init; }

    /// <summary>Tokens that all caches may hold together.</summary>
    public long CacheTokensLimit { get; init; }
}
