using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
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
    ICheckpointSource source, ModelConfig config, Device device, IProgress<LoadProgress>? progress, CancellationToken cancellationToken) : IWeights
{
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
        var stored = StoredMatrix.Describe(source, config, name, rows, columns);
        if (stored.Nf4 is { } nf4)
            return new Nf4Matrix(Take(stored.Weights), nf4.Scales, nf4.Size, rows, columns) { Name = name };
        return stored.Fp8 is { } fp8
            ? new Fp8BlockMatrix(Take(stored.Weights), Widen(fp8.Scales), fp8.Rows, fp8.Columns) { Name = name }
            : new FloatMatrix(Take(stored.Weights)) { Name = name };
    }

    /// <summary>A vector in fp32.</summary>
    public Tensor Vector(string name, long length) => Widen(RequiredTensor.Find(source, name, length));

    /// <summary>The gain of a norm.</summary>
    public RmsNorm Norm(string name, long length) => new(Vector(name, length), config.RmsNormEpsilon);

    /// <summary>The matrices of a gated feed-forward, <c>PREFIX.gate_proj.weight</c> and its siblings.</summary>
    public FeedForwardWeights FeedForward(string prefix, long inner) => new(
        Matrix($"{prefix}.gate_proj.weight", inner, config.HiddenSize),
        Matrix($"{prefix}.up_proj.weight", inner, config.HiddenSize),
        Matrix($"{prefix}.down_proj.weight", config.HiddenSize, inner));

    /// <summary>A routed expert.</summary>
    public FeedForwardWeights Expert(int layer, int expert, long inner) =>
        FeedForward(TensorNames.Layer(layer, FormattableString.Invariant($"mlp.experts.{expert}")), inner);

    /// <summary>Reports that nothing more will be taken.</summary>
    public void Complete() => progress?.Report(new LoadProgress(source.Tensors.Count, source.Tensors.Count, _totalBytes, _totalBytes));

    private Tensor Widen(TensorEntry entry)
    {
        RequiredTensor.RequireFloat(entry);
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
}
