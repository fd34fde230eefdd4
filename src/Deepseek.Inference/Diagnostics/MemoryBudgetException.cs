namespace Deepseek.Inference.Diagnostics;

/// <summary>A model does not fit the memory that it was given, or that is free.</summary>
public sealed class MemoryBudgetException : DeepseekException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was asked, what is needed, and the setting that would do.</param>
    /// <param name="budget">Bytes that the process was given, or that are free.</param>
    /// <param name="needed">Bytes that it needs at least.</param>
    public MemoryBudgetException(string message, long budget, long needed)
        : base(message) =>
        (Budget, Needed) = (budget, needed);

    /// <summary>Bytes that the process was given, or that are free.</summary>
    public long Budget { get; }

    /// <summary>Bytes that it needs at least.</summary>
    public long Needed { get; }
}
