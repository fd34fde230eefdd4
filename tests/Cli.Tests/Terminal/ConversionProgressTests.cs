using Deepseek.Cli.Terminal;
using Deepseek.Inference.Store;

namespace Deepseek.Cli.Tests.Terminal;

public sealed class ConversionProgressTests : IDisposable
{
    private const long Total = 2_000_000_000;

    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly Clock _clock = new();

    [Fact]
    public void Report_AfterTwoSeconds_TellsPercentSpeedAndTimeLeft()
    {
        var progress = Begin();

        _clock.Pass(seconds: 2);
        progress.Report(Done(500_000_000));

        Assert.Equal("\r0 %\r25 %, 250 MB/s, 6 s left", _output.ToString());
    }

    [Theory]
    [InlineData(1, "59 s")]
    [InlineData(60, "59 min")]
    [InlineData(120, "1 h 58 min")]
    [InlineData(183, "3 h 0 min")]
    public void Report_SlowDisk_ShowsTheTimeLeftInItsUnit(double seconds, string left)
    {
        var progress = Begin();

        _clock.Pass(seconds);
        progress.Report(Done(Total / 60));

        Assert.EndsWith($", {left} left", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Report_ResumedRun_CountsItsOwnBytesAlone()
    {
        var progress = Begin(Total / 2);

        _clock.Pass(seconds: 1);
        progress.Report(Done((Total / 2) + 100_000_000));

        Assert.Equal("\r50 %\r55 %, 100 MB/s, 9 s left", _output.ToString());
    }

    [Fact]
    public void Report_WithinATenthOfASecond_IsDropped()
    {
        var progress = Begin();

        foreach (var done in new[] { 1, 2, 3 })
        {
            _clock.Pass(seconds: 0.04);
            progress.Report(Done(done));
        }

        Assert.Equal(2, _output.ToString().Count(character => character == '\r'));
    }

    [Fact]
    public void Report_OutOfOrder_NeverGoesBack()
    {
        var progress = Begin();

        _clock.Pass(seconds: 1);
        progress.Report(Done(Total / 2));
        _clock.Pass(seconds: 1);
        progress.Report(Done(Total / 4));

        Assert.EndsWith("\r50 %, 1000 MB/s, 1 s left", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Report_ShorterLine_WipesTheLongerOneOut()
    {
        var progress = Begin();

        _clock.Pass(seconds: 1);
        progress.Report(Done(Total / 2));
        progress.Report(Done(Total)); // the last one is always shown
        progress.Dispose();

        Assert.EndsWith("\r50 %, 1000 MB/s, 1 s left\r100 %, 2000 MB/s         \n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_Twice_EndsTheLineOnce()
    {
        var progress = Begin();

        progress.Dispose();
        progress.Dispose();

        Assert.Equal("\r0 %\n", _output.ToString());
    }

    [Fact]
    public void Dispose_NothingReported_WritesNothing()
    {
        new ConversionProgress(_output, _clock).Dispose();

        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public void For_NobodyWatches_IsNone()
    {
        Assert.Null(ConversionProgress.For(new ToolConsole(TextReader.Null, TextWriter.Null, TextWriter.Null) { IsWatched = false }));
        Assert.NotNull(ConversionProgress.For(new ToolConsole(TextReader.Null, TextWriter.Null, TextWriter.Null) { IsWatched = true }));
    }

    public void Dispose() => _output.Dispose();

    private ConversionProgress Begin(long before = 0)
    {
        var progress = new ConversionProgress(_output, _clock);
        progress.Report(Done(before));
        return progress;
    }

    private static ConvertProgress Done(long bytes) => new("experts-003.safetensors", bytes, Total);

    /// <summary>A clock that stands still until it is told.</summary>
    private sealed class Clock : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Pass(double seconds) => _ticks += TimeSpan.FromSeconds(seconds).Ticks;
    }
}
