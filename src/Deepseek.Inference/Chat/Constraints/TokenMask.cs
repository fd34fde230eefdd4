using System.Numerics;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>The tokens that may come next in a state, one bit each.</summary>
internal sealed class TokenMask
{
    private readonly ulong[] _bits;

    private TokenMask(int size) => _bits = new ulong[(size + 63) / 64];

    /// <summary>Whether a token may come; a row of logits beyond the vocabulary never may.</summary>
    public bool this[int id] => id >> 6 < _bits.Length && (_bits[id >> 6] >> (id & 63) & 1) != 0;

    /// <summary>Removes all other tokens from a row of logits.</summary>
    public void Apply(Span<float> logits)
    {
        for (var word = 0; word * 64 < logits.Length; word++)
        {
            var row = logits.Slice(word * 64, Math.Min(64, logits.Length - (word * 64)));
            var bits = word < _bits.Length ? _bits[word] : 0;
            if (bits == 0)
            {
                row.Fill(float.NegativeInfinity);
                continue;
            }

            for (var removed = ~bits; removed != 0 && BitOperations.TrailingZeroCount(removed) < row.Length; removed &= removed - 1)
                row[BitOperations.TrailingZeroCount(removed)] = float.NegativeInfinity;
        }
    }

    /// <summary>Finds the tokens all of whose bytes the grammar takes.</summary>
    /// <remarks>The sorted vocabulary is walked as a tree: what a token shares with the one before is not looked at again, nor anything below a refused byte.</remarks>
    public static TokenMask Create(GrammarMachine machine, GrammarState state, TokenTable table)
    {
        var mask = new TokenMask(table.Size);
        var path = new GrammarState[table.Longest + 1]; // path[n]: after n bytes of the token
        path[0] = state;
        var taken = 0; // bytes of the token before that were taken
        for (var i = 0; i < table.Ids.Length; i++)
        {
            if (table.Shared[i] > taken)
                continue; // it shares the byte that was refused
            var bytes = table.BytesAt(i);
            for (taken = table.Shared[i]; taken < bytes.Length; taken++)
            {
                var next = machine.Step(path[taken], bytes[taken]);
                if (next.IsDead)
                    break;
                path[taken + 1] = next;
            }

            if (taken == bytes.Length)
                mask.Allow(table.Ids[i]);
        }

        if (!GrammarMachine.TakesControl(state))
            return mask;
        foreach (var id in table.Control)
        {
            if (!machine.StepControl(state, table.BytesOf(id)).IsDead)
                mask.Allow(id);
        }

        return mask;
    }

    private void Allow(int id) => _bits[id >> 6] |= 1UL << (id & 63);
}
