namespace Deepseek.Inference.Diagnostics;

/// <summary>The base of every fault that the library reports by a type of its own: a bad file, too little memory, a missing native library.</summary>
/// <remarks>Mistakes in a call's arguments throw the <see cref="ArgumentException"/> family instead.</remarks>
public abstract class DeepseekException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">The value found, what was expected, and the remedy.</param>
    /// <param name="innerException">The cause, if there is one.</param>
    private protected DeepseekException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
