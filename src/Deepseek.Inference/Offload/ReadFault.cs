using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Offload;

/// <summary>Why a record could not be read: every call that wanted it gets an exception of its own.</summary>
internal abstract record ReadFault(string File, int Page)
{
    /// <summary>The exception.</summary>
    public abstract DeepseekException ToException();
}

/// <summary>The disk failed, again and again.</summary>
internal sealed record DiskFault(string File, int Page, int Attempts, Exception Cause) : ReadFault(File, Page)
{
    public override DeepseekException ToException() => new StoreReadException(File, Page, Attempts, Cause);
}

/// <summary>What was read is not what was written.</summary>
internal sealed record ChecksumFault(string File, int Page, UInt128 Expected, UInt128 Actual) : ReadFault(File, Page)
{
    public override DeepseekException ToException() => new StoreCorruptedException(File, Page, StoreManifest.Text(Expected), StoreManifest.Text(Actual));
}

/// <summary>A hint that did not come true: nobody wants the record any more.</summary>
internal sealed record GivenUp(string File, int Page) : ReadFault(File, Page)
{
    public override DeepseekException ToException() => throw new InvalidOperationException($"{File}: page {Page} was given up although a batch holds it.");
}
