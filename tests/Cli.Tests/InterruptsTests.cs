namespace Deepseek.Cli.Tests;

public sealed class InterruptsTests
{
    [Fact]
    public async Task Raise_WhileWorking_CancelsAndWaitsForTheTool()
    {
        using Interrupts interrupts = new();
        var tool = Task.Delay(Timeout.Infinite, interrupts.Token);

        interrupts.Raise(DeepseekTool.Terminated);

        Assert.True(await interrupts.WaitAsync(tool));
        Assert.True(tool.IsCanceled);
        Assert.Equal(DeepseekTool.Terminated, interrupts.ExitCode);
    }

    [Fact]
    public async Task Raise_ASecondTime_DoesNotWaitForTheTool()
    {
        using Interrupts interrupts = new();
        TaskCompletionSource deaf = new();

        interrupts.Raise(DeepseekTool.Interrupted);
        interrupts.Raise(DeepseekTool.Interrupted);

        Assert.False(await interrupts.WaitAsync(deaf.Task));
        Assert.Equal(DeepseekTool.Interrupted, interrupts.ExitCode);
    }

    [Fact]
    public async Task Raise_ToolThatDoesNotHear_IsNotWaitedForLong()
    {
        using Interrupts interrupts = new();
        TaskCompletionSource deaf = new();

        interrupts.Raise(DeepseekTool.Interrupted);

        Assert.False(await interrupts.WaitAsync(deaf.Task));
    }

    [Fact]
    public async Task BeginLastStep_WorkThatTakesLonger_IsWaitedFor()
    {
        using Interrupts interrupts = new();
        TaskCompletionSource tool = new();
        var step = interrupts.BeginLastStep();

        interrupts.Raise(DeepseekTool.Interrupted);
        var waited = interrupts.WaitAsync(tool.Task);
        await Task.Delay(TimeSpan.FromSeconds(2.5), TestContext.Current.CancellationToken); // longer than a verb is given

        Assert.False(waited.IsCompleted);
        step.Dispose();
        Assert.False(await waited); // the tool itself still does not end
    }

    [Fact]
    public async Task BeginLastStep_SecondRequest_EndsIt()
    {
        using Interrupts interrupts = new();
        TaskCompletionSource deaf = new();
        using var step = interrupts.BeginLastStep();

        interrupts.Raise(DeepseekTool.Interrupted);
        interrupts.Raise(DeepseekTool.Interrupted);

        Assert.False(await interrupts.WaitAsync(deaf.Task));
    }

    [Fact]
    public async Task Raise_WithAPartThatCanBeStopped_StopsItAlone()
    {
        using Interrupts interrupts = new();
        using CancellationTokenSource part = new();
        var stopped = Task.Delay(Timeout.Infinite, part.Token);
        interrupts.DivertTo(part);

        interrupts.Raise(DeepseekTool.Interrupted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stopped);
        Assert.False(interrupts.Token.IsCancellationRequested);

        interrupts.DivertTo(null);
        interrupts.Raise(DeepseekTool.Interrupted);
        Assert.True(interrupts.Token.IsCancellationRequested);
    }

    [Fact]
    public void Raise_Termination_EndsTheWholeEvenWithAPart()
    {
        using Interrupts interrupts = new();
        using CancellationTokenSource part = new();
        interrupts.DivertTo(part);

        interrupts.Raise(DeepseekTool.Terminated);

        Assert.True(interrupts.Token.IsCancellationRequested);
    }
}
