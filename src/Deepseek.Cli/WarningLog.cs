using Deepseek.Cli.Terminal;
using Microsoft.Extensions.Logging;

namespace Deepseek.Cli;

/// <summary>Shows what the library warns of on standard error, a line each.</summary>
internal sealed class WarningLog(TextWriter error) : ILogger, ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => this;

    public void Dispose()
    {
        // Standard error stays open.
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        var cause = exception is null ? "" : $" {exception.GetType().Name}: {exception.Message}";
        error.WriteLine($"{(logLevel >= LogLevel.Error ? "error" : "warning")}: {PrintableText.Line(formatter(state, exception) + cause)}");
    }
}
