namespace Deepseek.Inference.Diagnostics;

/// <summary>A file of a model folder is not what it must be: weights, configuration, tokenizer or template.</summary>
public sealed class CheckpointFormatException : DeepseekException
{
    /// <summary>Creates the exception; its message reads <c>FILE: SUBJECT: REASON</c>.</summary>
    /// <param name="file">The file, as it was opened.</param>
    /// <param name="subject">The tensor, key or part of the file that is at fault; null when it is the file as a whole.</param>
    /// <param name="reason">What was found, what was expected, and the remedy where there is one.</param>
    /// <param name="innerException">The cause, if there is one.</param>
    public CheckpointFormatException(string file, string? subject, string reason, Exception? innerException = null)
        : base(subject is null ? $"{file}: {reason}" : $"{file}: {subject}: {reason}", innerException)
    {
        File = file;
        Subject = subject;
    }

    /// <summary>The file at fault, as it was opened.</summary>
    public string File { get; }

    /// <summary>The tensor or key at fault; null when it is the file as a whole.</summary>
    public string? Subject { get; }
}
