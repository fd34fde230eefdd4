namespace Deepseek.Inference.Diagnostics;

/// <summary>A page of a store does not hold what was written: its checksum is another.</summary>
public sealed class StoreCorruptedException : DeepseekException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">The shard.</param>
    /// <param name="page">The page within the shard, from 0; −1 for a file that is no shard.</param>
    /// <param name="expected">The checksum in <c>store.json</c>, hexadecimal.</param>
    /// <param name="actual">The checksum of what was read, hexadecimal; or what kept it from being read.</param>
    public StoreCorruptedException(string file, int page, string expected, string actual)
        : base(FormattableString.Invariant($"{file}: {(page < 0 ? "" : $"page {page}: ")}the checksum is {actual}; it must be {expected}. The file is damaged: mend it with deepseek verify STORE --repair CHECKPOINT."))
    {
        (File, Page, Expected, Actual) = (file, page, expected, actual);
    }

    /// <summary>The shard.</summary>
    public string File { get; }

    /// <summary>The page within the shard, from 0.</summary>
    public int Page { get; }

    /// <summary>The checksum that was written down.</summary>
    public string Expected { get; }

    /// <summary>The checksum of what was read.</summary>
    public string Actual { get; }
}
