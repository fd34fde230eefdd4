using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Experts;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>One sequence's share of a pass: rows [First, First + Count) of the batch's tokens.</summary>
/// <param name="Cache">The sequence; its length counts the tokens before these.</param>
/// <param name="First">The first row.</param>
/// <param name="Count">T: how many tokens are new.</param>
internal readonly record struct Segment(SequenceCache Cache, int First, int Count);

/// <summary>What every layer of one forward pass shares: N tokens of several sequences, flattened.</summary>
/// <param name="Operations">Where the time is spent.</param>
/// <param name="Segments">The sequences, in the order of their rows.</param>
/// <param name="Cosine">Of every token's angles, [N, rotated / 2].</param>
/// <param name="Sine">Of every token's angles, [N, rotated / 2].</param>
/// <param name="Observer">Sees what the layers produce; null where nobody looks.</param>
/// <param name="CancellationToken">Asked between layers and before experts are waited for.</param>
internal sealed record ForwardPass(
    IComputeOperations Operations,
    IReadOnlyList<Segment> Segments,
    Tensor Cosine,
    Tensor Sine,
    IForwardObserver? Observer,
    CancellationToken CancellationToken)
{
    // Speculative decoding gives a sequence some tokens at once: they are still what comes next, not a prompt.
    private const int MostDecoded = 8;

    /// <summary>What experts are rented for.</summary>
    public ExpertUse Use => UseOf(Segments.Select(segment => segment.Count).DefaultIfEmpty().Max());

    /// <summary>What experts are rented for where the longest sequence has so many new tokens.</summary>
    public static ExpertUse UseOf(int longest) => longest > MostDecoded ? ExpertUse.Prefill : ExpertUse.Decode;

    /// <summary>Applies a function to every sequence's rows and joins the results.</summary>
    public Tensor PerSequence(Func<Segment, Tensor> function)
    {
        if (Segments.Count == 1)
            return function(Segments[0]);
        return cat([.. Segments.Select(function)]);
    }
}
