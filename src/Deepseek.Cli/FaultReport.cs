using Deepseek.Inference.Diagnostics;

namespace Deepseek.Cli;

/// <summary>What becomes of a fault: one line and an exit code.</summary>
/// <param name="ExitCode">What the tool exits with.</param>
/// <param name="Message">What standard error shows; null for nothing.</param>
internal sealed record FaultReport(int ExitCode, string? Message)
{
    /// <summary>Judges a fault.</summary>
    public static FaultReport Of(Exception fault, Interrupts interrupts) => fault switch
    {
        UsageException => new(DeepseekTool.WrongUsage, fault.Message),
        OperationCanceledException when interrupts.Token.IsCancellationRequested => new(interrupts.ExitCode, "interrupted."),
        IOException io when StandardStreams.IsBrokenPipe(io) => new(DeepseekTool.Success, null), // the reader has all it wanted
        OutOfMemoryException => new(DeepseekTool.Fault, "There is not enough memory. Use a smaller model, a shorter prompt, or fewer new tokens."),
        ArgumentNullException or ObjectDisposedException => Internal(fault),
        ArgumentException => new(DeepseekTool.Fault, WithoutParameter(fault.Message)),
        InvalidOperationException { Source: "Deepseek.Inference" } => new(DeepseekTool.Fault, fault.Message), // asked of a model that has no such part
        DeepseekException or InvalidDataException or IOException or UnauthorizedAccessException => new(DeepseekTool.Fault, fault.Message),
        _ => Internal(fault),
    };

    private static FaultReport Internal(Exception fault) =>
        new(DeepseekTool.Fault, $"internal error: {fault.GetType().Name}: {fault.Message} Please report it with what --verbose shows.");

    /// <summary>The library's parameter names say nothing at a command line.</summary>
    private static string WithoutParameter(string message) => message.Split(" (Parameter '", 2)[0];
}
