namespace Deepseek.Inference.Diagnostics;

/// <summary>An expert's page could not be read from the disk while the model was running, however often it was tried. The call fails; the model stays usable.</summary>
public sealed class StoreReadException : DeepseekException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">The shard.</param>
    /// <param name="page">The page within the shard, from 0.</param>
    /// <param name="attempts">How often it was tried.</param>
    /// <param name="innerException">The last failure.</param>
    public StoreReadException(string file, int page, int attempts, Exception innerException)
        : base(FormattableString.Invariant($"{file}: page {page} could not be read, tried {attempts} times: {Cause(innerException)} Check the disk and that the file is whole (deepseek verify STORE), then ask again."), innerException)
    {
        (File, Page, Attempts) = (file, page, attempts);
    }

    /// <summary>The shard.</summary>
    public string File { get; }

    /// <summary>The page within the shard, from 0.</summary>
    public int Page { get; }

    /// <summary>How often it was tried.</summary>
    public int Attempts { get; }

    private static string Cause(Exception fault) => fault?.Message is { Length: > 0 } text ? text.EndsWith('.') ? text : text + "." : "the system gave no reason.";
}
