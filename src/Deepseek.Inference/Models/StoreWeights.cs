using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>Takes weights out of a page store, whose shards are read into memory as a whole when something of them is first asked for.</summary>
/// <remarks>Matrices lie over that memory, which belongs to this and is freed with it.</remarks>
internal sealed unsafe class StoreWeights : IWeights, IDisposable
{
    private readonly PageStore _store;
    private readonly Device _device;
    private readonly IProgress<LoadProgress>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<int, WeightMemory> _shards = [];
    private readonly Dictionary<string, StoredTensor> _tensors;
    private readonly Dictionary<int, StoredExperts[]> _experts;
    private readonly ModelOptions _options;
    private readonly DeviceTier? _tier;
    private PagedExperts? _paged;
    private int _taken;
    private long _read;

    /// <param name="store">The store; this takes ownership.</param>
    /// <param name="plan">How much of it memory holds.</param>
    /// <param name="options">How the model is loaded.</param>
    /// <param name="device">Where weights are widened to.</param>
    /// <param name="tier">The device's memory, where weights lie there; null where the host holds them. This takes ownership.</param>
    /// <param name="progress">Told of what has been taken; null for nobody.</param>
    /// <param name="cancellationToken">Ends loading between two parts.</param>
    public StoreWeights(PageStore store, MemoryPlan plan, ModelOptions options, Device device, DeviceTier? tier, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        (_store, Plan, _options, _tier, _progress, _cancellationToken) = (store, plan, options, tier, progress, cancellationToken);
        _device = tier is null ? device : CPU; // experts wait on the host
        _tensors = store.Manifest.Layout.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        _experts = store.Manifest.Layout.Experts.GroupBy(run => run.Layer).ToDictionary(layer => layer.Key, layer => layer.ToArray());
        Total = _tensors.Count + (3 * store.Manifest.Layout.Experts.Sum(run => run.Count));
    }

    public long Bytes { get; private set; }

    /// <summary>How much of the store memory holds.</summary>
    public MemoryPlan Plan { get; }

    private int Total { get; }

    private string ManifestFile => Path.Combine(_store.Location, StoreFile.Manifest);

    public bool Has(string name) => _tensors.ContainsKey(name);

    public WeightMatrix Matrix(string name, long rows, long columns)
    {
        var tensor = Find(name, rows, columns);
        if (tensor.Precision is null)
            return new FloatMatrix(Place(tensor)) { Name = name };
        if (_tier is null)
            return new BandMatrix(tensor.Layout, Take(tensor.Shard, tensor.Length).Start + tensor.Offset, _device) { Name = name };
        Count(tensor.Length);
        return _tier.Matrix(tensor, Arrived, _cancellationToken);
    }

    public Tensor Vector(string name, long length)
    {
        var tensor = Find(name, length);
        if (tensor.Type is not (TensorType.F64 or TensorType.F32 or TensorType.F16 or TensorType.BF16))
            throw new CheckpointFormatException(ManifestFile, name, $"the type is {tensor.Type}; norms, biases and scales must be F64, F32, F16 or BF16.");
        using var stored = Place(tensor);
        return stored.to(ScalarType.Float32, copy: true);
    }

    public RmsNorm Norm(string name, long length) => new(Vector(name, length), _store.Config.RmsNormEpsilon);

    public FeedForwardWeights FeedForward(string prefix, long inner) => new(
        Matrix($"{prefix}.gate_proj.weight", inner, _store.Config.HiddenSize),
        Matrix($"{prefix}.up_proj.weight", inner, _store.Config.HiddenSize),
        Matrix($"{prefix}.down_proj.weight", _store.Config.HiddenSize, inner));

    public FeedForwardWeights Expert(int layer, int expert, long inner)
    {
        var run = RunOf(layer, expert, inner);
        var memory = Take(run.Shard, run.Record.Length, tensors: 3);
        var start = memory.Start + _store.Manifest.Layout.Shards[run.Shard].PageOffsets[run.FirstPage + expert - run.First];
        return new FeedForwardWeights(
            new BandMatrix(run.Record.Inward, run.Record.Gate, start, _device) { Name = TensorNames.Expert(layer, expert, "gate_proj") },
            new BandMatrix(run.Record.Inward, run.Record.Up, start, _device) { Name = TensorNames.Expert(layer, expert, "up_proj") },
            new BandMatrix(run.Record.Outward, run.Record.Down, start, _device) { Name = TensorNames.Expert(layer, expert, "down_proj") });
    }

    public PagedExperts? Page(IReadOnlyList<int> layers, long inner)
    {
        if (Plan.Slots is not { } slots)
            return null;

        foreach (var layer in layers)
        {
            for (var expert = 0; expert < _store.Config.Experts!.RoutedCount; expert++)
                _ = RunOf(layer, expert, inner);
        }

        _paged = ExpertPaging.Start(_store, layers, slots, _options.Paging, _options.Logger, _device);
        Bytes += _paged.BytesOf(_store.Config.LayerCount); // as where they are taken one by one: those of a prediction layer come after the model
        return _paged;
    }

    public IExpertSource OnDevice(IReadOnlyList<int> layers, IExpertSource host) => _tier?.Place(layers, host, Arrived, _cancellationToken) ?? host;

    public void Complete()
    {
        _tier?.Complete();
        _progress?.Report(new LoadProgress(Total, Total, _store.Manifest.Layout.ByteLength, _store.Manifest.Layout.ByteLength));
    }

    public void Dispose()
    {
        _tier?.Dispose(); // before the host's memory, from which it may still be copying
        _paged?.Dispose();
        foreach (var memory in _shards.Values)
            memory.Dispose();
        _store.Dispose();
    }

    /// <summary>Where an expert lies.</summary>
    private StoredExperts RunOf(int layer, int expert, long inner)
    {
        var run = Array.Find(_experts.GetValueOrDefault(layer, []), run => expert >= run.First && expert < run.First + run.Count)
            ?? throw new CheckpointFormatException(ManifestFile, TensorNames.Layer(layer, "mlp.experts"), FormattableString.Invariant($"expert {expert} is missing; the store's model asks for it. Convert the checkpoint again."));
        if (run.Inner != inner || run.Hidden != _store.Config.HiddenSize)
            throw new CheckpointFormatException(ManifestFile, TensorNames.Layer(layer, "mlp.experts"), FormattableString.Invariant($"its experts are {run.Inner} by {run.Hidden}; the model asks for {inner} by {_store.Config.HiddenSize}. Convert the checkpoint again."));
        return run;
    }

    private StoredTensor Find(string name, params long[] shape)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
            throw new CheckpointFormatException(ManifestFile, name, $"the tensor is missing; the store's model asks for one of shape [{string.Join(", ", shape)}]. Convert the checkpoint again.");
        return tensor.Shape.SequenceEqual(shape)
            ? tensor
            : throw new CheckpointFormatException(ManifestFile, name, $"the shape is [{string.Join(", ", tensor.Shape)}]; the store's model asks for [{string.Join(", ", shape)}]. Convert the checkpoint again.");
    }

    /// <summary>A plain tensor on the model's device.</summary>
    private Tensor Place(StoredTensor tensor)
    {
        if (_tier is not null)
        {
            Count(tensor.Length);
            return _tier.Plain(tensor, Arrived, _cancellationToken);
        }

        var memory = Take(tensor.Shard, tensor.Length);
        var host = NativeTensor.Over((nint)(memory.Start + tensor.Offset), tensor.Type.ToScalarType(), [.. tensor.Shape]);
        if (_device.type == TorchSharp.DeviceType.CPU)
            return host;
        using (host)
            return host.to(_device);
    }

    private WeightMemory Take(int shard, long bytes, int tensors = 1)
    {
        if (!_shards.TryGetValue(shard, out var memory))
        {
            memory = _store.ReadShard(shard, Arrived, _cancellationToken);
            _shards.Add(shard, memory);
            _tier?.Lock(memory); // experts are copied from it
        }

        Count(bytes, tensors);
        return memory;
    }

    private void Count(long bytes, int tensors = 1)
    {
        _taken += tensors;
        Bytes += bytes;
    }

    private void Arrived(long bytes) => _progress?.Report(new LoadProgress(_taken, Total, Interlocked.Add(ref _read, bytes), _store.Manifest.Layout.ByteLength));
}
