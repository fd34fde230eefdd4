namespace Deepseek.Inference.Models;

/// <summary>For which tokens of a pass logits are computed.</summary>
public enum LogitRows
{
    /// <summary>The last token alone.</summary>
    Last,

    /// <summary>Every token.</summary>
    All,
}
