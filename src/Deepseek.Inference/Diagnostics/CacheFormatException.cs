namespace Deepseek.Inference.Diagnostics;

/// <summary>A saved cache or conversation cannot be taken up: it is damaged, of another version, or of another model.</summary>
public sealed class CacheFormatException : DeepseekException
{
    /// <summary>Creates the exception; its message reads <c>FILE: REASON</c>.</summary>
    /// <param name="file">The file, as it was opened; <c>the stream</c> where it has no name.</param>
    /// <param name="reason">What was found, what was expected, and the remedy.</param>
    /// <param name="innerException">The cause, if there is one.</param>
    public CacheFormatException(string file, string reason, Exception? innerException = null)
        : base($"{file}: {reason}", innerException) => File = file;

    /// <summary>The file at fault, as it was opened; <c>the stream</c> where it has no name.</summary>
    public string File { get; }
}
