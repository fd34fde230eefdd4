namespace Deepseek.Inference.Diagnostics;

/// <summary>A chat template cannot be read or run, exceeded a limit, or refused the messages by <c>raise_exception</c>.</summary>
public sealed class ChatTemplateException : DeepseekException
{
    /// <summary>Creates the exception; its message reads <c>FILE: line N: REASON</c>.</summary>
    /// <param name="file">The file that holds the template; null when it came from elsewhere.</param>
    /// <param name="line">Line within the template, from 1.</param>
    /// <param name="reason">What was found, what was expected, and the remedy where there is one.</param>
    /// <param name="innerException">The cause, if there is one.</param>
    public ChatTemplateException(string? file, int line, string reason, Exception? innerException = null)
        : base($"{file ?? "chat template"}: line {line}: {reason}", innerException)
    {
        File = file;
        Line = line;
    }

    /// <summary>The file that holds the template; null when it came from elsewhere.</summary>
    public string? File { get; }

    /// <summary>Line within the template, from 1.</summary>
    public int Line { get; }
}
