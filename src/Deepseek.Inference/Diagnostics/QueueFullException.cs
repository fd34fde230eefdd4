namespace Deepseek.Inference.Diagnostics;

/// <summary>So many requests wait already that another one is refused.</summary>
public sealed class QueueFullException : DeepseekException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="waiting">Requests that wait.</param>
    public QueueFullException(int waiting)
        : base($"{waiting} requests wait already, which is the limit (BatchingOptions.MaxQueue). Try again later, or raise the limit.") =>
        Waiting = waiting;

    /// <summary>Requests that wait.</summary>
    public int Waiting { get; }
}
