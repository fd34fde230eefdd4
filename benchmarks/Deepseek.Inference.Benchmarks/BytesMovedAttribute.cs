namespace Deepseek.Inference.Benchmarks;

/// <summary>Says how many bytes a benchmark reads and writes in one operation.</summary>
/// <param name="bytes">Bytes read and bytes written, together.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BytesMovedAttribute(long bytes) : Attribute
{
    /// <summary>Bytes read and bytes written, together.</summary>
    public long Bytes { get; } = bytes;
}
