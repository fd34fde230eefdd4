using Deepseek.Inference.Diagnostics;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>A GPU's memory: copies have a stream of their own, beside the one on which libtorch computes, and events order the two.</summary>
/// <remarks>
/// <para>Unverified: has not run on a GPU; its calls are tested against a table of functions that stands for the library.</para>
/// <para>
/// Events are few and used again: a number whose event has been recorded anew waits for something later of the same stream, which is more than it must and never too little.
/// </para>
/// </remarks>
internal sealed class CudaDeviceMemory : IDeviceMemory
{
    private const int Events = 64;

    private readonly CudaRuntime _runtime;
    private readonly nint _copies; // the stream
    private readonly nint[] _copied = new nint[Events];
    private readonly nint[] _computed = new nint[Events];
    private readonly Lock _lock = new();
    private long _lastCopy;
    private long _lastMark;
    private bool _disposed;

    /// <summary>Makes the stream and its events.</summary>
    public CudaDeviceMemory(CudaRuntime runtime, Device device)
    {
        (_runtime, Device) = (runtime, device);
        _copies = runtime.CreateStream();
        for (var i = 0; i < Events; i++)
            (_copied[i], _computed[i]) = (runtime.CreateEvent(), runtime.CreateEvent());
    }

    public Device Device { get; }

    public (long Free, long Total)? Reading => _runtime.Memory;

    public Tensor Allocate(long bytes)
    {
        var memory = empty(bytes, ScalarType.Byte, Device).DetachFromDisposeScope();
        // libtorch hands out memory that what it was given to compute before may still read.
        var mark = Mark();
        lock (_lock)
            _runtime.WaitFor(_copies, _computed[mark % Events]);
        return memory;
    }

    public long Copy(nint source, Tensor destination, long offset, long length, long after)
    {
        lock (_lock)
        {
            if (after > 0)
                _runtime.WaitFor(_copies, _computed[after % Events]);
            _runtime.Copy(destination.Address() + (nint)offset, source, length, _copies);
            _runtime.Record(_copied[++_lastCopy % Events], _copies);
            return _lastCopy;
        }
    }

    public void Order(long copy)
    {
        if (copy == 0)
            return;
        lock (_lock)
            _runtime.WaitFor(CudaRuntime.DefaultStream, _copied[copy % Events]);
    }

    public void Wait(long copy)
    {
        if (copy > 0)
            _runtime.Synchronize(_copied[copy % Events]);
    }

    public long Mark()
    {
        lock (_lock)
        {
            _runtime.Record(_computed[++_lastMark % Events], CudaRuntime.DefaultStream);
            return _lastMark;
        }
    }

    public bool TryLock(nint address, long length) => _runtime.TryRegister(address, length);

    public void Unlock(nint address) => _runtime.Unregister(address);

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            _runtime.Destroy(_copies, [.. _copied, .. _computed]);
        }
    }
}
