namespace Deepseek.Inference.Generation;

/// <summary>Decides when a sequence ends, by token ids alone.</summary>
/// <remarks>
/// The seam for whatever knows more than ids: a rule of the chat layer decodes the tokens to text and looks for stop
/// strings, or follows a grammar. A rule itself is immutable and may serve many sequences at once; what it remembers of
/// one sequence lives in the scan that <see cref="Begin"/> returns.
/// </remarks>
public abstract class StopRule
{
    /// <summary>Begins a sequence.</summary>
    public abstract IStopScan Begin();
}
