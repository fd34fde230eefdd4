using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>Places for experts in a device's memory: one large tensor, taken once.</summary>
internal sealed class DeviceSlots : IDisposable
{
    private readonly IReadOnlyList<ExpertRecordLayout> _layouts;
    private readonly FeedForwardWeights?[] _weights; // [slots × layouts], made when first asked for
    private readonly DeviceTables _tables;
    private readonly int _bytes;

    private DeviceSlots(int count, ExpertPages pages, Tensor memory, DeviceTables tables)
    {
        (Count, _bytes, _layouts, _tables, Memory) = (count, pages.SlotBytes, pages.Layouts, tables, memory);
        _weights = new FeedForwardWeights?[count * _layouts.Count];
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>All of them, u8 [slots × bytes].</summary>
    public Tensor Memory { get; }

    /// <summary>Takes as many slots as the device has room for beside what passes compute in.</summary>
    /// <param name="device">The device.</param>
    /// <param name="pages">What slots hold.</param>
    /// <param name="tables">Decode it.</param>
    /// <param name="wanted">Slots at most.</param>
    /// <param name="least">Slots at least.</param>
    /// <param name="working">Bytes that must be left.</param>
    /// <param name="logger">Told where there are fewer; null for nobody.</param>
    /// <returns>The slots; null where there is not even room for the least.</returns>
    public static DeviceSlots? TryTake(IDeviceMemory device, ExpertPages pages, DeviceTables tables, int wanted, int least, long working, ILogger? logger)
    {
        const int eighths = 7; // that are left after a refusal
        for (var count = wanted; ; count = Math.Max(least, (int)((long)count * eighths / 8)))
        {
            Tensor? memory = null;
            try
            {
                memory = device.Allocate((long)count * pages.SlotBytes);
                device.Allocate(working).Dispose(); // libtorch keeps what it has once taken, and a pass finds it there
                return new DeviceSlots(count, pages, memory, tables);
            }
            catch (Exception e) when (OutOfDeviceMemory.Is(e))
            {
                memory?.Dispose();
                if (count <= least)
                    return null;
                if (logger is not null)
                    PagingLog.FewerSlots(logger, count, Math.Max(least, (int)((long)count * eighths / 8)));
            }
            catch
            {
                memory?.Dispose();
                throw;
            }
        }
    }

    /// <summary>Where a slot begins.</summary>
    public long OffsetOf(int slot) => (long)slot * _bytes;

    /// <summary>The matrices that lie in a slot.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="layout">How the record that it holds is laid out.</param>
    public FeedForwardWeights Weights(int slot, int layout) => _weights[(slot * _layouts.Count) + layout] ??= Lay(OffsetOf(slot), _layouts[layout]);

    public void Dispose() => Memory.Dispose();

    private FeedForwardWeights Lay(long offset, ExpertRecordLayout record)
    {
        var (inward, outward) = (_tables.Decoder(record.Inward), _tables.Decoder(record.Outward));
        return new FeedForwardWeights(
            new DeviceBandMatrix(inward, record.Gate, Memory, offset),
            new DeviceBandMatrix(inward, record.Up, Memory, offset),
            new DeviceBandMatrix(outward, record.Down, Memory, offset));
    }
}
