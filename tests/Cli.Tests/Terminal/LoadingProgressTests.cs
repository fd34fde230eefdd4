using Deepseek.Cli.Terminal;
using Deepseek.Inference.Models;

namespace Deepseek.Cli.Tests.Terminal;

public sealed class LoadingProgressTests : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly Clock _clock = new();

    [Fact]
    public void Report_WithinAMoment_ShowsNothing()
    {
        using (LoadingProgress progress = new(_output, _clock))
            progress.Report(new LoadProgress(1, 2, 1, 2));

        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public void Report_LongLoading_ShowsPercentAndWipesIt()
    {
        using (LoadingProgress progress = new(_output, _clock))
        {
            _clock.Advance(1.5);
            progress.Report(new LoadProgress(1, 3, 2_990_000_000, 10_000_000_000));
            progress.Report(new LoadProgress(1, 3, 3_000_000_000, 10_000_000_000)); // too soon
            _clock.Advance(0.2);
            progress.Report(new LoadProgress(3, 3, 10_000_000_000, 10_000_000_000));
        }

        Assert.Equal($"\rloading: 29 % of 10.0 GB\rloading: 100 % of 10.0 GB\r{new string(' ', 25)}\r", _output.ToString());
    }

    [Fact]
    public void Report_AfterTheEnd_ShowsNothing()
    {
        LoadingProgress progress = new(_output, _clock);
        progress.Dispose();
        _clock.Advance(5);

        progress.Report(new LoadProgress(1, 2, 1, 2));
        progress.Dispose();

        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public void For_NobodyWhoWatches_IsNull() =>
        Assert.Null(LoadingProgress.For(new ToolConsole(TextReader.Null, TextWriter.Null, TextWriter.Null) { IsWatched = false }));

    public void Dispose() => _output.Dispose();

    private sealed class Clock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(double seconds) => _ticks += TimeSpan.FromSeconds(seconds).Ticks;
    }
}
