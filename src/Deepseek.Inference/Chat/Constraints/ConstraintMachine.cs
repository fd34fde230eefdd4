using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>A grammar at work over vocabularies: where tokens lead, and which may come. One serves all sequences of a constraint.</summary>
/// <remarks>Thread-safe. Masks are kept per state, a bounded number of them for each vocabulary.</remarks>
internal sealed class ConstraintMachine
{
    private const int MostMasks = 1024; // with 129,280 tokens 16 KB each

    private readonly Lock _lock = new();
    private readonly GrammarMachine _machine = new();
    private readonly ConditionalWeakTable<TokenTable, Dictionary<GrammarState, TokenMask>> _masks = [];

    /// <summary>The state before the first token.</summary>
    public GrammarState Start(GrammarNode root)
    {
        lock (_lock)
            return _machine.Start(root);
    }

    /// <summary>The state after one more token; dead where it may not come.</summary>
    public GrammarState Step(GrammarState state, TokenTable table, int id)
    {
        lock (_lock)
        {
            var bytes = table.BytesOf(id);
            return bytes.Length == 0 ? _machine.Dead : table.IsControl(id) ? _machine.StepControl(state, bytes) : _machine.Run(state, bytes);
        }
    }

    /// <summary>The tokens that may come next, end tokens aside.</summary>
    public TokenMask Mask(GrammarState state, TokenTable table)
    {
        lock (_lock)
        {
            var masks = _masks.GetOrCreateValue(table);
            if (masks.TryGetValue(state, out var mask))
                return mask;
            if (masks.Count >= MostMasks)
                masks.Clear();
            return masks[state] = TokenMask.Create(_machine, state, table);
        }
    }
}
