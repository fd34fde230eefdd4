using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Checkpoints;

/// <summary>A tensor to be written.</summary>
public sealed class SafetensorsTensor
{
    private readonly Action<Stream> _write;

    /// <summary>A tensor whose data are in memory.</summary>
    /// <param name="name">The name; unique in its file.</param>
    /// <param name="type">The type of an element.</param>
    /// <param name="shape">Sizes of the dimensions, outermost first; empty for a scalar.</param>
    /// <param name="data">The elements, little-endian, last dimension fastest.</param>
    /// <exception cref="ArgumentException">Name or shape cannot be written, or the data are not as long as type and shape say.</exception>
    public SafetensorsTensor(string name, TensorType type, IReadOnlyList<long> shape, ReadOnlyMemory<byte> data)
        : this(name, type, shape, stream => stream.Write(data.Span))
    {
        if (data.Length != ByteLength)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The data of {UntrustedText.Quote(name)} have {data.Length} bytes; its type and shape need {ByteLength}."), nameof(data));
        }
    }

    /// <summary>A tensor whose data are written when their turn comes, so that they need not be in memory at once.</summary>
    /// <param name="name">The name; unique in its file.</param>
    /// <param name="type">The type of an element.</param>
    /// <param name="shape">Sizes of the dimensions, outermost first; empty for a scalar.</param>
    /// <param name="write">Writes exactly as many bytes as type and shape say, and does not close the stream.</param>
    /// <exception cref="ArgumentException">Name or shape cannot be written.</exception>
    public SafetensorsTensor(string name, TensorType type, IReadOnlyList<long> shape, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(write);
        if (name == SafetensorsHeader.MetadataKey || !SafetensorsWriter.IsText(name))
            throw new ArgumentException($"The name is {UntrustedText.Quote(name)}; it must be valid Unicode and not {SafetensorsHeader.MetadataKey}.", nameof(name));

        long[] sizes = [.. shape];
        if (sizes.Any(size => size < 0) || !SafetensorsLayout.TryGetByteLength(sizes, type, out var bytes))
        {
            throw new ArgumentException(
                $"The shape of {UntrustedText.Quote(name)} is [{string.Join(", ", sizes)}]; sizes must not be negative, nor the tensor exceed 2^63 - 1 bytes.", nameof(shape));
        }

        (Name, Type, Shape, ByteLength, _write) = (name, type, sizes, bytes, write);
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The type of an element.</summary>
    public TensorType Type { get; }

    /// <summary>Sizes of the dimensions, outermost first; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Length of the data in bytes.</summary>
    public long ByteLength { get; }

    internal void WriteTo(Stream stream) => _write(stream);
}
