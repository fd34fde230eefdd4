using System.Collections.Frozen;

namespace Deepseek.Inference.Generation;

/// <summary>Ends a sequence before any token of a set: the model's end tokens and the caller's own.</summary>
public sealed class StopTokens : StopRule, IStopScan
{
    private readonly FrozenSet<int> _ids;

    /// <summary>Creates the rule.</summary>
    /// <param name="ids">Token ids; with none the rule never stops.</param>
    /// <exception cref="ArgumentException">An id is negative; all such ids are named.</exception>
    public StopTokens(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        _ids = ids.ToFrozenSet();
        var negative = _ids.Where(id => id < 0).Order().ToList();
        if (negative.Count > 0)
            throw new ArgumentException($"ids holds {string.Join(", ", negative)}; token ids must be 0 or more.", nameof(ids));
    }

    /// <summary>The token ids.</summary>
    public IReadOnlySet<int> Ids => _ids;

    /// <summary>Begins a sequence; the rule remembers nothing, so it is its own scan.</summary>
    public override IStopScan Begin() => this;

    /// <inheritdoc/>
    public StopDecision Accept(int token) => _ids.Contains(token) ? StopDecision.StopBefore : StopDecision.Continue;
}
