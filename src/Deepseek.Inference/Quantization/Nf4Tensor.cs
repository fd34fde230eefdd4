namespace Deepseek.Inference.Quantization;

/// <summary>Weights in NF4, as bitsandbytes lays them out: blocks of the flattened tensor, two codes a byte, a scale a block.</summary>
/// <param name="Shape">The tensor's shape.</param>
/// <param name="BlockSize">Weights that share a scale.</param>
/// <param name="Codes">[⌈n / 2⌉], the earlier of two codes in the high nibble.</param>
/// <param name="Scales">The blocks' scales.</param>
public sealed record Nf4Tensor(IReadOnlyList<long> Shape, int BlockSize, byte[] Codes, Nf4Scales Scales)
{
    /// <summary>n: the product of the shape.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>Bytes of codes and scales.</summary>
    public long ByteSize => Codes.LongLength + Scales.ByteSize;
}

/// <summary>The scales of NF4 blocks, plain or quantized in turn.</summary>
public abstract record Nf4Scales
{
    private protected Nf4Scales()
    {
    }

    /// <summary>How many blocks there are.</summary>
    public abstract int Count { get; }

    /// <summary>Bytes of their stored form.</summary>
    public abstract long ByteSize { get; }

    /// <summary>Writes the scales in single precision.</summary>
    /// <param name="destination">Receives <see cref="Count"/> scales.</param>
    /// <exception cref="ArgumentException">The length is another.</exception>
    public void Decode(Span<float> destination)
    {
        if (destination.Length != Count)
            throw new ArgumentException($"destination has {destination.Length} elements; it must have {Count}, one for every block.", nameof(destination));
        Decode(0, destination);
    }

    /// <summary>Writes the scales of consecutive blocks.</summary>
    internal abstract void Decode(int first, Span<float> destination);
}

/// <summary>Scales in single precision.</summary>
/// <param name="Values">One a block.</param>
public sealed record Nf4PlainScales(float[] Values) : Nf4Scales
{
    /// <inheritdoc />
    public override int Count => Values.Length;

    /// <inheritdoc />
    public override long ByteSize => 4L * Values.Length;

    internal override void Decode(int first, Span<float> destination) => Values.AsSpan(first, destination.Length).CopyTo(destination);
}

/// <summary>Scales quantized in turn (QLoRA, arXiv:2305.14314, §3, "Double Quantization"): code · its group's largest magnitude + offset.</summary>
/// <param name="Codes">8-bit dynamic codes (<see cref="Kernels.DynamicCode8"/>), one a block.</param>
/// <param name="GroupScales">Largest magnitude of every group of <see cref="GroupSize"/> blocks.</param>
/// <param name="Offset">What was subtracted before: the mean of the scales.</param>
public sealed record Nf4QuantizedScales(byte[] Codes, float[] GroupScales, float Offset) : Nf4Scales
{
    /// <summary>Blocks that share a group's scale.</summary>
    public const int GroupSize = 256;

    /// <inheritdoc />
    public override int Count => Codes.Length;

    /// <inheritdoc />
    public override long ByteSize => Codes.Length + (4L * GroupScales.Length) + 4;

    /// <summary>The scale that a code gives in a group.</summary>
    internal static float Value(byte code, float groupScale, float offset) => (Kernels.DynamicCode8.Values[code] * groupScale) + offset;

    internal override void Decode(int first, Span<float> destination)
    {
        for (var i = 0; i < destination.Length; i++)
            destination[i] = Value(Codes[first + i], GroupScales[(first + i) / GroupSize], Offset);
    }
}
