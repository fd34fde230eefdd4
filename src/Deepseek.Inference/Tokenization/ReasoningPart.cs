namespace Deepseek.Inference.Tokenization;

/// <summary>What a part of a reply is.</summary>
public enum ReasoningPartKind
{
    /// <summary>Thought, between <c>&lt;think&gt;</c> and <c>&lt;/think&gt;</c>.</summary>
    Reasoning,

    /// <summary>Meant for the reader.</summary>
    Answer,
}

/// <summary>A piece of a reply, without its tags.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text, never empty.</param>
public readonly record struct ReasoningPart(ReasoningPartKind Kind, string Text);
