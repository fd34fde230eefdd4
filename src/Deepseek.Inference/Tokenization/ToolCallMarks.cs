namespace Deepseek.Inference.Tokenization;

/// <summary>The marks that DeepSeek's models put around their calls of tools; in most vocabularies each is a control token.</summary>
internal static class ToolCallMarks
{
    /// <summary>The full-width bar that every mark holds, and ordinary text hardly ever.</summary>
    public const char Bar = '｜';

    /// <summary>Before all calls.</summary>
    public const string CallsBegin = "<｜tool▁calls▁begin｜>";

    /// <summary>After all calls.</summary>
    public const string CallsEnd = "<｜tool▁calls▁end｜>";

    /// <summary>Before one call.</summary>
    public const string CallBegin = "<｜tool▁call▁begin｜>";

    /// <summary>After one call.</summary>
    public const string CallEnd = "<｜tool▁call▁end｜>";

    /// <summary>Between the kind or name of a call and the rest.</summary>
    public const string Separator = "<｜tool▁sep｜>";

    /// <summary>What every tag of V3.2's markup holds.</summary>
    public const string Dsml = "｜DSML｜";
}
