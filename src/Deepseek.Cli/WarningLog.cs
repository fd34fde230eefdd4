using Deepseek.Cli.Terminal;
using Microsoft.Extensions.Logging;

namespace Deepseek.Cli;

/// <summary>Shows what the library warns of on standard error, a line each.</summary>
internal sealed class WarningLog(TextWriter error) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            error.WriteLine($"warning: {PrintableText.Line(formatter(state, exception))}");
    }
}
