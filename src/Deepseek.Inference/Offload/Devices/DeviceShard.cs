using Deepseek.Inference.Kernels;
using Deepseek.Inference.Store;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>A shard of what every token uses: its matrices in one tensor of the device, but for those that the host keeps; its plain tensors on the host until each has been placed.</summary>
/// <remarks>The file passes through the host in pieces of some megabytes: the host never holds all of it.</remarks>
internal sealed unsafe class DeviceShard : IDisposable
{
    private readonly Dictionary<string, long> _offsets = new(StringComparer.Ordinal); // each in its own memory
    private readonly List<StoredTensor> _tensors; // by their place in the file
    private readonly IDeviceMemory _device;
    private readonly Func<StoredTensor, bool> _isKept;
    private readonly WeightMemory _plain;
    private readonly WeightMemory _kept;

    private DeviceShard(List<StoredTensor> tensors, IDeviceMemory device, Func<StoredTensor, bool> isKept)
    {
        (_tensors, _device, _isKept) = (tensors, device, isKept);
        var (matrices, plain, kept) = (0L, 0L, 0L);
        foreach (var tensor in tensors)
        {
            ref var end = ref tensor.Precision is null ? ref plain : ref isKept(tensor) ? ref kept : ref matrices;
            _offsets.Add(tensor.Name, end);
            end += (tensor.Length + BandLayout.LineBytes - 1) / BandLayout.LineBytes * BandLayout.LineBytes;
        }

        Memory = device.Allocate(matrices);
        (_plain, _kept) = (new WeightMemory(plain), new WeightMemory(kept));
    }

    /// <summary>All matrices that lie on the device, u8 [n].</summary>
    public Tensor Memory { get; }

    /// <summary>Reads a shard and places it.</summary>
    /// <param name="store">The store.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="device">Where its matrices go.</param>
    /// <param name="isKept">Which matrices the host keeps.</param>
    /// <param name="arrived">Told of the bytes of every part that has arrived.</param>
    /// <param name="cancellationToken">Ends reading between two parts.</param>
    /// <exception cref="Diagnostics.StoreCorruptedException">A page is damaged.</exception>
    public static DeviceShard Load(PageStore store, int shard, IDeviceMemory device, Func<StoredTensor, bool> isKept, Action<long> arrived, CancellationToken cancellationToken)
    {
        var loaded = new DeviceShard([.. store.Manifest.Layout.Tensors.Where(tensor => tensor.Shard == shard).OrderBy(tensor => tensor.Offset)], device, isKept);
        try
        {
            store.StreamShard(shard, loaded.Receive, arrived, cancellationToken);
            return loaded;
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>Where a matrix begins in <see cref="Memory"/>.</summary>
    public long OffsetOf(StoredTensor matrix) => _offsets[matrix.Name];

    /// <summary>A plain tensor's bytes on the host; valid until <see cref="Complete"/>.</summary>
    public nint Plain(StoredTensor tensor) => (nint)_plain.Start + (nint)_offsets[tensor.Name];

    /// <summary>A kept matrix' bytes on the host.</summary>
    public nint Kept(StoredTensor matrix) => (nint)_kept.Start + (nint)_offsets[matrix.Name];

    /// <summary>All plain tensors have been placed: the host's copies go away.</summary>
    public void Complete() => _plain.Dispose();

    public void Dispose()
    {
        Memory.Dispose();
        _plain.Dispose();
        _kept.Dispose();
    }

    /// <summary>Puts a piece of the file where it belongs. Called from several threads.</summary>
    private void Receive(long offset, WeightMemory part)
    {
        var copy = 0L;
        try
        {
            for (var i = FirstEndingAfter(offset); i < _tensors.Count && _tensors[i].Offset < offset + part.Length; i++)
            {
                var tensor = _tensors[i];
                var begin = Math.Max(offset, tensor.Offset);
                var length = Math.Min(offset + part.Length, tensor.Offset + tensor.Length) - begin;
                var source = part.Start + (begin - offset);
                var place = _offsets[tensor.Name] + begin - tensor.Offset;
                if (tensor.Precision is null)
                    Buffer.MemoryCopy(source, _plain.Start + place, length, length);
                else if (_isKept(tensor))
                    Buffer.MemoryCopy(source, _kept.Start + place, length, length);
                else
                    copy = _device.Copy((nint)source, Memory, place, length, after: 0);
            }
        }
        finally
        {
            _device.Order(copy);
            _device.Wait(copy); // the piece goes away
        }
    }

    private int FirstEndingAfter(long offset)
    {
        var (low, high) = (0, _tensors.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_tensors[middle].Offset + _tensors[middle].Length <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
