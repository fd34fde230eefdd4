namespace Deepseek.Inference.Chat;

/// <summary>How many tokens a model may think for the efforts that chat interfaces name; more effort than medium is left to the model.</summary>
public static class ReasoningEffortTokens
{
    /// <summary>For a low effort.</summary>
    public const int Low = 1024;

    /// <summary>For a medium effort.</summary>
    public const int Medium = 4096;
}
