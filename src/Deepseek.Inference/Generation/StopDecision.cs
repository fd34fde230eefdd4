namespace Deepseek.Inference.Generation;

/// <summary>What a stop rule makes of a token.</summary>
public enum StopDecision
{
    /// <summary>Generation goes on.</summary>
    Continue,

    /// <summary>Generation ends, and the token is not part of the result, as with an end token.</summary>
    StopBefore,

    /// <summary>Generation ends, and the token is the last of the result, as when it completes a stop string.</summary>
    StopAfter,
}
