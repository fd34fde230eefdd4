namespace Deepseek.Inference.Diagnostics;

/// <summary>libtorch could not be loaded, or lacks what was asked of it; the message names the cause, what was tried, and the remedy.</summary>
public sealed class TorchNativeException : DeepseekException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">The cause, what was tried, and the remedy.</param>
    /// <param name="innerException">The loader's own error, if there is one.</param>
    public TorchNativeException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
