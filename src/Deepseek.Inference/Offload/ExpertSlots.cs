using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload;

/// <summary>Places for experts in memory, taken once.</summary>
internal sealed unsafe class ExpertSlots : IDisposable
{
    private readonly IReadOnlyList<ExpertRecordLayout> _layouts;
    private readonly WeightMemory _memory;
    private readonly FeedForwardWeights?[] _weights; // [slots × layouts], made when first asked for
    private readonly Device _device;
    private readonly int _bytes;

    /// <summary>Takes memory.</summary>
    /// <param name="count">Slots.</param>
    /// <param name="pages">What they hold.</param>
    /// <param name="device">Where the weights are widened to.</param>
    public ExpertSlots(int count, ExpertPages pages, Device device)
    {
        (Count, _bytes, _layouts, _device) = (count, pages.SlotBytes, pages.Layouts, device);
        _memory = new WeightMemory((long)count * _bytes);
        _weights = new FeedForwardWeights?[count * _layouts.Count];
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>The memory of all slots.</summary>
    public (nint Start, long Length) Memory => ((nint)_memory.Start, _memory.Length);

    /// <summary>The bytes of a slot, from its first.</summary>
    public Span<byte> Bytes(int slot, int offset, int length) => _memory.Slice(((long)slot * _bytes) + offset, length);

    /// <summary>The matrices that lie in a slot.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="layout">How the record that it holds is laid out.</param>
    public FeedForwardWeights Weights(int slot, int layout) => _weights[(slot * _layouts.Count) + layout] ??= Lay(slot, _layouts[layout]);

    public void Dispose() => _memory.Dispose();

    private FeedForwardWeights Lay(int slot, ExpertRecordLayout record)
    {
        var start = _memory.Start + ((long)slot * _bytes);
        return new FeedForwardWeights(
            new BandMatrix(record.Inward, record.Gate, start, _device),
            new BandMatrix(record.Inward, record.Up, start, _device),
            new BandMatrix(record.Outward, record.Down, start, _device));
    }
}
