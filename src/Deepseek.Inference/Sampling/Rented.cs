using System.Buffers;

namespace Deepseek.Inference.Sampling;

/// <summary>A working buffer of the shared pool for the length of a <see langword="using"/>, so that sampling allocates nothing once the pool is warm.</summary>
internal readonly ref struct Rented<T>
    where T : unmanaged
{
    private readonly T[] _array;

    /// <summary>Rents a buffer; its contents are whatever the last user left.</summary>
    public Rented(int length)
    {
        _array = ArrayPool<T>.Shared.Rent(length);
        Span = _array.AsSpan(0, length);
    }

    /// <summary>The buffer, of exactly the length asked for.</summary>
    public Span<T> Span { get; }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose() => ArrayPool<T>.Shared.Return(_array);
}
