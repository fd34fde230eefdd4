using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Chat;

/// <summary>How a text is continued.</summary>
public sealed record TextOptions
{
    /// <summary>How tokens are chosen and counted.</summary>
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>Strings that end the text, which is cut before them; text is held back while it may become one. None by default.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];
}
