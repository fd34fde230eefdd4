using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>A device's memory by TorchSharp alone: the CPU as device, and a GPU whose runtime library was not found.</summary>
/// <remarks>TorchSharp has neither streams nor events: a copy is done when the call returns, and overlaps nothing. On a GPU unverified: has not run on one.</remarks>
internal sealed class TorchDeviceMemory(Device device) : IDeviceMemory
{
    public Device Device => device;

    public (long Free, long Total)? Reading => device.type == DeviceType.CPU ? (AvailableMemory.Free(), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) : null;

    public Tensor Allocate(long bytes) => empty(bytes, ScalarType.Byte, device).DetachFromDisposeScope();

    public long Copy(nint source, Tensor destination, long offset, long length, long after)
    {
        using var from = NativeTensor.Over(source, ScalarType.Byte, [length]);
        using var to = destination.narrow(0, offset, length);
        to.copy_(from).Dispose();
        return 0;
    }

    public void Order(long copy)
    {
        // Copies are done.
    }

    public void Wait(long copy)
    {
        // Copies are done.
    }

    public long Mark() => 0;

    public bool TryLock(nint address, long length) => false;

    public void Unlock(nint address)
    {
        // Nothing was locked.
    }

    public void Dispose()
    {
        // Tensors belong to those who took them.
    }
}
