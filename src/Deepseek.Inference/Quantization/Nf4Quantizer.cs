using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Quantization;

/// <summary>Turns weights into NF4 and back.</summary>
/// <remarks>
/// The mode <see cref="Nf4Mode.Reference"/> equals bitsandbytes@95f9af3 on a CPU bit for bit. <see cref="Nf4Mode.Searched"/> keeps its format, its offset and its groups' scales, and chooses among
/// the scales that these can express: so the published choice is always among them, and no block is ever worse. Thread-safe; works on all cores.
/// </remarks>
public static class Nf4Quantizer
{
    /// <summary>Scale codes on either side of the best one's that are tried.</summary>
    private const int Neighbours = 1;

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
        var searched = options.Mode == Nf4Mode.Searched;
        Nf4Scales scales;
        if (options.DoubleQuantization)
            scales = Quantize(magnitudes) is var quantized && searched ? Search(values, options, quantized) : quantized;
        else
            scales = new Nf4PlainScales(magnitudes) is var plain && searched ? Search(values, options, plain) : plain;
        return new Nf4Tensor(shape, options.BlockSize, Encode(values, options, magnitudes, scales), scales);
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
        ForEachRun(scales.Length, (first, count) =>
        {
            var (start, length) = Weights(first, count, tensor.BlockSize, destination.Length);
            Nf4.Decode(tensor.Codes.AsSpan(start / 2, (length + 1) / 2), scales.AsSpan(first, count), tensor.BlockSize, destination.Span.Slice(start, length));
        });
    }

    /// <summary>The reference's double quantization: offset by the mean, then 8 bits in groups.</summary>
    internal static Nf4QuantizedScales Quantize(float[] scales)
    {
        const int Group = Nf4QuantizedScales.GroupSize;
        var offset = TorchMean.Of(scales);
        var codes = new byte[scales.Length];
        var groups = new float[(scales.Length + Group - 1) / Group];
        for (var group = 0; group < groups.Length; group++)
        {
            var start = group * Group;
            var end = Math.Min(scales.Length, start + Group);
            for (var i = start; i < end; i++)
                groups[group] = MathF.Max(groups[group], MathF.Abs(scales[i] - offset));
            var inverse = 1 / groups[group];
            for (var i = start; groups[group] > 0 && i < end; i++)
                codes[i] = DynamicCode8.CodeOf((scales[i] - offset) * inverse);
        }

        return new Nf4QuantizedScales(codes, groups, offset);
    }

    private static float[] Magnitudes(ReadOnlyMemory<float> values, int blockSize)
    {
        var magnitudes = new float[(values.Length + blockSize - 1) / blockSize];
        ForEachRun(magnitudes.Length, (first, count) =>
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

    /// <summary>Codes by the scales that will be decoded; the reference encodes by the magnitudes before they are quantized.</summary>
    private static byte[] Encode(ReadOnlyMemory<float> values, Nf4Options options, float[] magnitudes, Nf4Scales scales)
    {
        var by = magnitudes;
        if (options.Mode == Nf4Mode.Searched)
            scales.Decode(by = new float[magnitudes.Length]);
        var codes = new byte[(values.Length + 1) / 2];
        ForEachRun(by.Length, (first, count) =>
        {
            var (start, length) = Weights(first, count, options.BlockSize, values.Length);
            Nf4.Encode(values.Span.Slice(start, length), by.AsSpan(first, count), options.BlockSize, codes.AsSpan(start / 2, (length + 1) / 2));
        });
        return codes;
    }

    private static Nf4PlainScales Search(ReadOnlyMemory<float> values, Nf4Options options, Nf4PlainScales reference)
    {
        var scales = new float[reference.Count];
        ForEachBlock(values, options, (block, weights, importance) => scales[block] = Nf4ScaleSearch.Find(weights, importance));
        return new Nf4PlainScales(scales);
    }

    private static Nf4QuantizedScales Search(ReadOnlyMemory<float> values, Nf4Options options, Nf4QuantizedScales reference)
    {
        var codes = new byte[reference.Count];
        ForEachBlock(values, options, (block, weights, importance) =>
            codes[block] = BestCode(weights, importance, Nf4ScaleSearch.Find(weights, importance), reference, block));
        return reference with { Codes = codes };
    }

    /// <summary>Every block with the importance of its weights; blocks may cross rows.</summary>
    private static void ForEachBlock(ReadOnlyMemory<float> values, Nf4Options options, BlockAction action)
    {
        var size = options.BlockSize;
        ForEachRun((values.Length + size - 1) / size, (first, count) =>
        {
            var columns = options.ColumnImportance.Span;
            var importance = new float[columns.IsEmpty ? 0 : size];
            for (var block = first; block < first + count; block++)
            {
                var (start, length) = Weights(block, 1, size, values.Length);
                for (var i = 0; i < importance.Length; i++)
                    importance[i] = columns[(start + i) % columns.Length];
                action(block, values.Span.Slice(start, length), importance.AsSpan(0, Math.Min(importance.Length, length)));
            }
        });
    }

    /// <summary>Of the codes near the ideal scale and the reference's own, the one with the least error.</summary>
    private static byte BestCode(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float ideal, Nf4QuantizedScales scales, int block)
    {
        var group = scales.GroupScales[block / Nf4QuantizedScales.GroupSize];
        var best = scales.Codes[block];
        var error = Nf4ScaleSearch.Error(weights, Nf4QuantizedScales.Value(best, group, scales.Offset), importance);
        if (group == 0)
            return best;

        int nearest = DynamicCode8.CodeOf((ideal - scales.Offset) / group);
        for (var code = Math.Max(0, nearest - Neighbours); code <= Math.Min(255, nearest + Neighbours); code++)
        {
            var candidate = Nf4ScaleSearch.Error(weights, Nf4QuantizedScales.Value((byte)code, group, scales.Offset), importance);
            if (candidate < error)
                (best, error) = ((byte)code, candidate);
        }

        return best;
    }

    private static (int Start, int Length) Weights(int firstBlock, int blocks, int blockSize, int total)
    {
        var start = firstBlock * blockSize;
        return (start, (int)Math.Min((long)blocks * blockSize, total - start));
    }

    private delegate void BlockAction(int block, ReadOnlySpan<float> weights, ReadOnlySpan<float> importance);

    /// <summary>Runs of blocks on all cores; a fault of one is thrown as it is.</summary>
    private static void ForEachRun(int blocks, Action<int, int> run)
    {
        const int Run = 1024; // 64 Ki weights: long enough to hide the scheduling, short enough to balance
        try
        {
            Parallel.For(0, (blocks + Run - 1) / Run, i => run(i * Run, Math.Min(Run, blocks - (i * Run))));
        }
        catch (AggregateException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
