using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>Takes tensors out of a checkpoint, checks their shapes, and keeps them in their stored type.</summary>
/// <remarks>
/// On the CPU a tensor lies over the mapped file where its alignment allows; elsewhere it is copied, one tensor at a time. Tensors belong to the
/// caller's dispose scope until loading has succeeded.
/// </remarks>
internal sealed class WeightLoader(
    ICheckpointSource source, ModelConfig config, Device device, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
{
    private readonly BitsandbytesReader _bitsandbytes = new(source);
    private readonly long _totalBytes = source.Tensors.Values.Sum(tensor => tensor.ByteLength);
    private int _tensors;
    private long _bytes;

    /// <summary>Bytes of all tensors taken.</summary>
    public long Bytes => _bytes;

    /// <summary>Whether the checkpoint has a tensor.</summary>
    public bool Has(string name) => source.Tensors.ContainsKey(name);

    /// <summary>A matrix in its stored form; FP8 with its block scales where the checkpoint has them.</summary>
    public WeightMatrix Matrix(string name, long rows, long columns)
    {
        if (_bitsandbytes.Has(name))
        {
            var (codes, blockSize, blockScales) = _bitsandbytes.Read(name, rows, columns);
            return new Nf4Matrix(Take(codes), blockScales, blockSize, rows, columns) { Name = name };
        }

        var entry = Entry(name, [rows, columns]);
        if (entry.Type is not (TensorType.F64 or TensorType.F32 or TensorType.F16 or TensorType.BF16 or TensorType.F8E4M3 or TensorType.F8E5M2))
            throw new CheckpointFormatException(entry.File, name, $"the type is {entry.Type}; a weight must be F64, F32, F16, BF16 or FP8.");

        var scaleName = TensorNames.ScaleOf(name);
        if (!Has(scaleName) && entry.Type == TensorType.F8E4M3 && config.Quantization is { Method: "fp8" })
            throw new CheckpointFormatException(entry.File, name, $"its block scales, {scaleName}, are missing; config.json's quant_method is fp8, so that the codes alone are no weights. Download the checkpoint again.");
        if (!Has(scaleName))
            return new FloatMatrix(Take(entry)) { Name = name };
        if (config.Quantization is not { Method: "fp8" } blocks || entry.Type != TensorType.F8E4M3)
            throw new CheckpointFormatException(entry.File, name, $"it has block scales ({scaleName}), its type is {entry.Type}, and config.json's quantization is {config.Quantization?.Method ?? "absent"}; block scales belong to F8_E4M3 weights with quant_method fp8.");

        var scales = Entry(scaleName, [CeilDiv(rows, blocks.BlockRows), CeilDiv(columns, blocks.BlockColumns)]);
        return new Fp8BlockMatrix(Take(entry), Widen(scales), blocks.BlockRows, blocks.BlockColumns) { Name = name };
    }

    /// <summary>A vector in fp32.</summary>
    public Tensor Vector(string name, long length) => Widen(Entry(name, [length]));

    /// <summary>The gain of a norm.</summary>
    public RmsNorm Norm(string name, long length) => new(Vector(name, length), config.RmsNormEpsilon);

    /// <summary>The matrices of a gated feed-forward, <c>PREFIX.gate_proj.weight</c> and its siblings.</summary>
    public FeedForwardWeights FeedForward(string prefix, long inner) => new(
        Matrix($"{prefix}.gate_proj.weight", inner, config.HiddenSize),
        Matrix($"{prefix}.up_proj.weight", inner, config.HiddenSize),
        Matrix($"{prefix}.down_proj.weight", config.HiddenSize, inner));

    /// <summary>Reports that nothing more will be taken.</summary>
    public void Complete() => progress?.Report(new LoadProgress(source.Tensors.Count, source.Tensors.Count, _totalBytes, _totalBytes));

    private TensorEntry Entry(string name, long[] shape)
    {
        if (!source.Tensors.TryGetValue(name, out var entry))
            throw new CheckpointFormatException(source.Location, name, $"the tensor is missing; config.json asks for one of shape {Text(shape)}. Download the checkpoint again, or correct config.json.");
        if (!entry.Shape.SequenceEqual(shape))
            throw new CheckpointFormatException(entry.File, name, $"the shape is {Text(entry.Shape)}; config.json asks for {Text(shape)}.");
        return entry;
    }

    private Tensor Widen(TensorEntry entry)
    {
        if (entry.Type is not (TensorType.F64 or TensorType.F32 or TensorType.F16 or TensorType.BF16))
            throw new CheckpointFormatException(entry.File, entry.Name, $"the type is {entry.Type}; norms, biases and scales must be F64, F32, F16 or BF16.");
        using var stored = Take(entry);
        return stored.to(ScalarType.Float32, copy: true);
    }

    private Tensor Take(TensorEntry entry)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var type = entry.Type.ToScalarType();
        long[] shape = [.. entry.Shape];
        var taken = source.TryMap(entry, out var address) && address % entry.Type.Size() == 0
            ? NativeTensor.Over(address, type, shape)
            : NativeTensor.Filled(type, shape, entry.ByteLength, (offset, piece) => source.Read(entry, offset, piece));
        if (device.type != TorchSharp.DeviceType.CPU)
        {
            using var host = taken;
            taken = host.to(device);
        }

        _tensors++;
        _bytes += entry.ByteLength;
        progress?.Report(new LoadProgress(_tensors, source.Tensors.Count, _bytes, _totalBytes));
        return taken;
    }

    private static long CeilDiv(long value, long divisor) => (value + divisor - 1) / divisor;

    private static string Text(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
