using Deepseek.Inference.Diagnostics;

namespace Deepseek.Cli.Tests;

#pragma warning disable CA2201 // exceptions of the runtime are what is tested

public sealed class FaultReportTests
{
    public static TheoryData<Exception> Expected =>
    [
        new CheckpointFormatException("config.json", "layers", "it is missing."),
        new ArgumentException("Wrong.", "parameter"),
        new ArgumentOutOfRangeException("parameter", 5, "Wrong."),
        new InvalidDataException("Wrong."),
        new IOException("Wrong."),
        new UnauthorizedAccessException("Wrong."),
    ];

    [Theory, MemberData(nameof(Expected))]
    public void Of_ExpectedFault_IsItsMessageWithoutParameterNames(Exception fault)
    {
        using Interrupts interrupts = new();

        var report = FaultReport.Of(fault, interrupts);

        Assert.Equal(new FaultReport(1, fault is CheckpointFormatException ? "config.json: layers: it is missing." : "Wrong."), report);
    }

    public static TheoryData<Exception> Unexpected =>
    [
        new NullReferenceException("No object."), new IndexOutOfRangeException("No object."), new InvalidOperationException("No object."), new ObjectDisposedException(null, "No object."),
        new ArgumentNullException(null, "No object."), new OperationCanceledException("No object."), new KeyNotFoundException("No object."),
    ];

    [Theory, MemberData(nameof(Unexpected))]
    public void Of_AnythingElse_IsAnInternalErrorWithAdvice(Exception fault)
    {
        using Interrupts interrupts = new();

        var report = FaultReport.Of(fault, interrupts);

        Assert.Equal(new FaultReport(1, $"internal error: {fault.GetType().Name}: No object. Please report it with what --verbose shows."), report);
    }

    [Fact]
    public void Of_WrongUsage_ExitsWith2()
    {
        using Interrupts interrupts = new();

        Assert.Equal(new FaultReport(2, "Not so."), FaultReport.Of(new UsageException("Not so."), interrupts));
    }

    [Fact]
    public void Of_TooLittleMemory_NamesRemedies()
    {
        using Interrupts interrupts = new();

        var report = FaultReport.Of(new OutOfMemoryException(), interrupts);

        Assert.Equal(1, report.ExitCode);
        Assert.Contains("Use a smaller model, a shorter prompt, or fewer new tokens.", report.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DeepseekTool.Interrupted)]
    [InlineData(DeepseekTool.Terminated)]
    public void Of_CancellationOnRequest_ExitsAsShellsCount(int exitCode)
    {
        using Interrupts interrupts = new();
        interrupts.Raise(exitCode);

        Assert.Equal(new FaultReport(exitCode, "interrupted."), FaultReport.Of(new OperationCanceledException(), interrupts));
    }
}
