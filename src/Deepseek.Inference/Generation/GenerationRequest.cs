using Deepseek.Inference.Caching;

namespace Deepseek.Inference.Generation;

/// <summary>A sequence to be continued.</summary>
/// <param name="Prompt">Its tokens; at least one.</param>
/// <param name="Options">How it is continued; null for the defaults.</param>
/// <param name="Cache">
/// A cache that holds what comes before the prompt, or nothing; it stays the caller's, and holds the prompt and all generated tokens but the last
/// afterwards. Null (the default) for a cache of the sequence's own.
/// </param>
public sealed record GenerationRequest(ReadOnlyMemory<int> Prompt, GenerationOptions? Options = null, SequenceCache? Cache = null);
