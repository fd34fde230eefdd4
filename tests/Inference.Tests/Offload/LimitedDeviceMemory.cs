using Deepseek.Inference.Offload.Devices;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>A device that has only so much memory, and says so as libtorch does.</summary>
internal sealed class LimitedDeviceMemory(long limit) : IDeviceMemory
{
    private readonly TorchDeviceMemory _memory = new(CPU);
    private readonly List<(Tensor Tensor, long Bytes)> _taken = [];

    public bool IsDisposed { get; private set; }

    public long Held => _taken.Where(one => !one.Tensor.IsInvalid).Sum(one => one.Bytes);

    public Device Device => CPU;

    public (long Free, long Total)? Reading => null;

    public Tensor Allocate(long bytes)
    {
        if (Held + bytes > limit)
            throw new LibtorchException($"CUDA out of memory. Tried to allocate {bytes} bytes.");
        var memory = _memory.Allocate(bytes);
        _taken.Add((memory, bytes));
        return memory;
    }

    public long Copy(nint source, Tensor destination, long offset, long length, long after) => _memory.Copy(source, destination, offset, length, after);

    public void Order(long copy) => _memory.Order(copy);

    public void Wait(long copy) => _memory.Wait(copy);

    public long Mark() => _memory.Mark();

    public bool TryLock(nint address, long length) => false;

    public void Unlock(nint address) => throw new InvalidOperationException("Nothing was locked.");

    public void Dispose() => IsDisposed = true;
}
