namespace Deepseek.Inference.Chat;

/// <summary>What a piece of text settled.</summary>
/// <param name="Emit">Text that is certainly not part of a stop string and comes before any; may be empty.</param>
/// <param name="Match">The stop string that ended the text; null while it goes on.</param>
public readonly record struct StopStringResult(string Emit, string? Match)
{
    /// <summary>Whether the text has ended.</summary>
    public bool Stopped => Match is not null;
}
