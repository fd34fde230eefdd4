using System.Runtime.InteropServices;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Removes from each row of logits what a constraint does not let through.</summary>
/// <remarks>
/// What it remembers of the tokens before spares time alone: any row gives what the context asks for. A row that holds NaN or +∞ is left as it is, so
/// that the sampler reports it.
/// </remarks>
internal sealed class ConstraintProcessor(ConstraintMachine machine, GrammarState start, TokenTable table, IReadOnlyList<int> endTokens) : ILogitsProcessor
{
    private readonly Lock _lock = new();
    private readonly List<int> _seen = [];
    private GrammarState? _state; // after the tokens seen; null for the start

    public void Process(Span<float> logits, in SamplingContext context)
    {
        if (!float.IsFinite(LogitRow.Maximum(logits)))
            return;
        var state = StateAfter(context.Generated);
        var mask = machine.Mask(state, table);
        Span<float> ends = stackalloc float[16];
        ends = endTokens.Count <= ends.Length ? ends[..endTokens.Count] : new float[endTokens.Count];
        for (var i = 0; i < ends.Length; i++)
            ends[i] = state.Accepts && endTokens[i] < logits.Length ? logits[endTokens[i]] : float.NegativeInfinity;

        mask.Apply(logits);

        // Also where the grammar would take an end token's text: the token ends the reply, whatever its text.
        for (var i = 0; i < ends.Length; i++)
        {
            if (endTokens[i] < logits.Length)
                logits[endTokens[i]] = ends[i];
        }
    }

    private GrammarState StateAfter(ReadOnlySpan<int> generated)
    {
        lock (_lock)
        {
            var seen = CollectionsMarshal.AsSpan(_seen);
            if (!generated.StartsWith(seen))
            {
                _seen.Clear();
                _state = null;
            }

            foreach (var id in generated[_seen.Count..])
            {
                _state = machine.Step(_state ?? start, table, id);
                _seen.Add(id);
            }

            return _state ?? start;
        }
    }
}
