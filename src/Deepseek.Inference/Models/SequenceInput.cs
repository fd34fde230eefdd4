using Deepseek.Inference.Caching;

namespace Deepseek.Inference.Models;

/// <summary>New tokens of one sequence of a batch.</summary>
/// <param name="Ids">The tokens that follow those in the cache; at least one.</param>
/// <param name="Cache">The sequence's cache, made by the same model; each may occur once in a batch.</param>
public readonly record struct SequenceInput(ReadOnlyMemory<int> Ids, SequenceCache Cache);
