namespace Deepseek.Inference.Generation;

/// <summary>Why a sequence ended.</summary>
public enum FinishReason
{
    /// <summary>An end token or a stop rule.</summary>
    Stop,

    /// <summary>The maximum of new tokens, or the end of the context.</summary>
    Length,
}
