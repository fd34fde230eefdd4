using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Quantization;

/// <summary>Turns weights into NF4 and back.</summary>
/// <remarks>
/// The mode <see cref="Nf4Mode.Reference"/> equals bitsandbytes@95f9af3 on a CPU bit for bit. <see cref="Nf4Mode.Searched"/> keeps its format, its offset and its groups' scales, and chooses among
/// the scales that these can express: so the published choice is always among them, and no block is ever worse. Thread-safe; works on all cores.
/// </remarks>
public static class Nf4Quantizer
{
    private const int Run = 1024; // blocks, 64 Ki weights: long enough to hide the scheduling, short enough to balance

    /// <summary>Quantizes a tensor.</summary>
    /// <param name="values">The weights, row by row.</param>
    /// <param name="shape">The tensor's shape; its product is the number of weights.</param>
    /// <param name="options">Block size, mode, double quantization; null for the defaults.</param>
    /// <exception cref="ArgumentException">The shape does not fit, the options are at fault, or a weight is not finite.</exception>
    public static Nf4Tensor Quantize(ReadOnlyMemory<float> values, IReadOnlyList<long> shape, Nf4Options? options = null)
    {
        ArgumentNullException.ThrowIfNull(shape);
        options ??= new Nf4Options();
        options.Validate(shape);
        var product = shape.Aggregate(1L, (size, next) => checked(size * next));
        if (product != values.Length)
            throw new ArgumentException($"There are {values.Length} weights; the shape [{string.Join(", ", shape)}] asks for {product}.", nameof(values));

        var magnitudes = Magnitudes(values, options.BlockSize);
        var codes = new byte[(values.Length + 1) / 2];
        return new Nf4Tensor(shape, options.BlockSize, codes, options.DoubleQuantization
            ? EncodeQuantized(values, options, magnitudes, codes)
            : EncodePlain(values, options, magnitudes, codes));
    }

    /// <summary>Decodes a tensor.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="destination">Receives its weights, row by row.</param>
    /// <exception cref="ArgumentException">The length is another than the tensor's.</exception>
    public static void Dequantize(Nf4Tensor tensor, Memory<float> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (destination.Length != tensor.ElementCount)
            throw new ArgumentException($"destination has {destination.Length} elements; the tensor has {tensor.ElementCount}.", nameof(destination));

        var scales = new float[tensor.Scales.Count];
        tensor.Scales.Decode(scales);
        ParallelRuns.ForEach(scales.Length, Run, (first, count) =>
        {
            var (start, length) = Weights(first, count, tensor.BlockSize, destination.Length);
            Nf4.Decode(tensor.Codes.AsSpan(start / 2, (length + 1) / 2), scales.AsSpan(first, count), tensor.BlockSize, destination.Span.Slice(start, length));
        });
    }

    private static float[] Magnitudes(ReadOnlyMemory<float> values, int blockSize)
    {
        var magnitudes = new float[(values.Length + blockSize - 1) / blockSize];
        ParallelRuns.ForEach(magnitudes.Length, Run, (first, count) =>
        {
            for (var block = first; block < first + count; block++)
            {
                var (start, length) = Weights(block, 1, blockSize, values.Length);
                magnitudes[block] = Nf4.LargestMagnitude(values.Span.Slice(start, length));
                if (!float.IsFinite(magnitudes[block]))
                    throw new ArgumentException(FormattableString.Invariant($"A weight of block {block} has the magnitude {magnitudes[block]}; NF4 needs finite weights."), nameof(values));
            }
        });
        return magnitudes;
    }

    private static Nf4QuantizedScales EncodeQuantized(ReadOnlyMemory<float> values, Nf4Options options, float[] magnitudes, byte[] codes)
    {
        var groups = Nf4ScaleGroups.Of(magnitudes);
        var encoder = new Nf4BlockEncoder(options, groups);
        var scaleCodes = new byte[magnitudes.Length];
        ParallelRuns.ForEach(scaleCodes.Length, Run, (first, count) =>
        {
            var (start, length) = Weights(first, count, options.BlockSize, values.Length);
            encoder.Encode(first, values.Span.Slice(start, length), codes.AsSpan(start / 2, (length + 1) / 2), scaleCodes.AsSpan(first, count));
        });
        return new Nf4QuantizedScales(scaleCodes, groups.Scales, groups.Offset);
    }

    private static Nf4PlainScales EncodePlain(ReadOnlyMemory<float> values, Nf4Options options, float[] magnitudes, byte[] codes)
    {
        var scales = options.Mode == Nf4Mode.Searched ? new float[magnitudes.Length] : magnitudes;
        ParallelRuns.ForEach(scales.Length, Run, (first, count) =>
        {
            if (options.Mode == Nf4Mode.Searched)
                Search(values, options, first, scales.AsSpan(first, count));
            var (start, length) = Weights(first, count, options.BlockSize, values.Length);
            Nf4.Encode(values.Span.Slice(start, length), scales.AsSpan(first, count), options.BlockSize, codes.AsSpan(start / 2, (length + 1) / 2));
        });
        return new Nf4PlainScales(scales);
    }

    private static void Search(ReadOnlyMemory<float> values, Nf4Options options, int firstBlock, Span<float> scales)
    {
        var importance = options.ColumnImportance.IsEmpty ? [] : new float[options.BlockSize];
        for (var i = 0; i < scales.Length; i++)
        {
            var (start, length) = Weights(firstBlock + i, 1, options.BlockSize, values.Length);
            scales[i] = Nf4ScaleSearch.Find(values.Span.Slice(start, length), options.Importance(start, importance, length));
        }
    }

    private static (int Start, int Length) Weights(int firstBlock, int blocks, int blockSize, int total)
    {
        var start = firstBlock * blockSize;
        return (start, (int)Math.Min((long)blocks * blockSize, total - start));
    }
}
