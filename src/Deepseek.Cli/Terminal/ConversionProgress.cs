using Deepseek.Inference.Store;

namespace Deepseek.Cli.Terminal;

/// <summary>How far a conversion has come, on one line of standard error: percent, speed, time left. Disposal ends the line.</summary>
/// <remarks>Thread-safe: reports come from all threads that write, perhaps out of order. Those that come too soon are dropped, so that nobody waits for a terminal.</remarks>
internal sealed class ConversionProgress : IProgress<ConvertProgress>, IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly TextWriter _output;
    private readonly TimeProvider _time;
    private long _began;
    private long _shown;
    private long _bytesBefore = -1; // what an earlier run had done says nothing about this one's speed
    private long _bytes;
    private int _width;

    internal ConversionProgress(TextWriter output, TimeProvider time) => (_output, _time) = (output, time);

    /// <summary>A line for whoever watches; null where nobody does.</summary>
    public static ConversionProgress? For(ToolConsole console) => console.IsWatched ? new ConversionProgress(console.Error, TimeProvider.System) : null;

    public void Report(ConvertProgress value)
    {
        if (!_lock.TryEnter())
            return;
        try
        {
            if (_bytesBefore < 0)
                (_bytesBefore, _began) = (value.BytesDone, _time.GetTimestamp());
            else if (value.BytesDone <= _bytes || (value.BytesDone < value.BytesTotal && _time.GetElapsedTime(_shown) < Pause))
                return;

            (_bytes, _shown) = (value.BytesDone, _time.GetTimestamp());
            Show(Describe(value, _time.GetElapsedTime(_began)));
        }
        finally
        {
            _lock.Exit();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_width > 0)
                _output.WriteLine();
            _width = 0;
        }
    }

    private string Describe(ConvertProgress value, TimeSpan elapsed)
    {
        var percent = value.BytesTotal > 0 ? 100.0 * value.BytesDone / value.BytesTotal : 100;
        var line = FormattableString.Invariant($"{Math.Floor(percent):0} %");
        var rate = (value.BytesDone - _bytesBefore) / elapsed.TotalSeconds;
        if (!double.IsFinite(rate) || rate <= 0)
            return line;
        line += FormattableString.Invariant($", {rate / 1e6:0} MB/s");
        return value.BytesDone < value.BytesTotal ? $"{line}, {Left((value.BytesTotal - value.BytesDone) / rate)} left" : line;
    }

    /// <summary>A time of which nobody needs the seconds when there are hours of it.</summary>
    private static string Left(double seconds) => seconds switch
    {
        < 59.5 => FormattableString.Invariant($"{seconds:0} s"),
        < 3570 => FormattableString.Invariant($"{seconds / 60:0} min"),
        _ => FormattableString.Invariant($"{Math.Floor((seconds + 30) / 3600):0} h {Math.Floor((seconds + 30) / 60 % 60):0} min"),
    };

    private void Show(string line)
    {
        _output.Write($"\r{line.PadRight(_width)}"); // what the last line had more is wiped out
        _width = line.Length;
    }
}
