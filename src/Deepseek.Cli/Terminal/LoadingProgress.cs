using Deepseek.Inference.Models;

namespace Deepseek.Cli.Terminal;

/// <summary>How far a model has been loaded, on one line of standard error, where that takes more than a moment. Disposal wipes the line.</summary>
/// <remarks>Thread-safe: reports come from all threads that read. Those that come too soon are dropped.</remarks>
internal sealed class LoadingProgress : IProgress<LoadProgress>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly TextWriter _output;
    private readonly TimeProvider _time;
    private readonly long _began;
    private long _shown;
    private int _width;
    private bool _ended;

    internal LoadingProgress(TextWriter output, TimeProvider time) => (_output, _time, _began) = (output, time, time.GetTimestamp());

    /// <summary>A line for whoever watches; null where nobody does.</summary>
    public static LoadingProgress? For(ToolConsole console) => console.IsWatched ? new LoadingProgress(console.Error, TimeProvider.System) : null;

    public void Report(LoadProgress value)
    {
        lock (_lock)
        {
            if (_ended || value.TotalBytes == 0 || _time.GetElapsedTime(_began) < Patience || (_width > 0 && _time.GetElapsedTime(_shown) < Pause))
                return;
            _shown = _time.GetTimestamp();
            var line = FormattableString.Invariant($"loading: {Math.Floor(100.0 * value.Bytes / value.TotalBytes):0} % of {value.TotalBytes / 1e9:0.0} GB");
            _output.Write($"\r{line.PadRight(_width)}");
            _width = Math.Max(_width, line.Length);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_width > 0)
                _output.Write($"\r{new string(' ', _width)}\r");
            (_ended, _width) = (true, 0);
        }
    }
}
