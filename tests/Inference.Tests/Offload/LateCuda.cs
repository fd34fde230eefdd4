using Deepseek.Inference.Offload.Devices;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>Stands for the CUDA runtime, with the CPU as device: a copy is done only when something waits for it, so that a wait that is missing shows.</summary>
/// <remarks>What the default stream is given is computed at once, as the CPU does.</remarks>
internal sealed unsafe class LateCuda : ICudaFunctions
{
    private readonly Lock _lock = new();
    private readonly Queue<(nint Destination, nint Source, long Bytes)> _pending = new();
    private readonly Dictionary<nint, long> _recorded = []; // by event: copies that had been given to the stream
    private readonly HashSet<nint> _alive = [];
    private nint _next = 0x1000;
    private nint _stream;
    private long _given;
    private long _done;

    /// <summary>What the next call of a function answers, by its name.</summary>
    public Dictionary<string, int> Faults { get; } = [];

    public List<string> Calls { get; } = [];

    public long Copies => _done;

    /// <summary>Streams, events and locked memory that nobody has freed.</summary>
    public IReadOnlyCollection<nint> Alive => _alive;

    public CudaDeviceMemory Open() => new(new CudaRuntime(this, 0), CPU);

    public int SetDevice(int device) => device;

    public int GetLastError() => Note("GetLastError");

    public string ErrorText(int error) => $"error {error}";

    public int MemGetInfo(out nuint free, out nuint total)
    {
        (free, total) = (1 << 30, (nuint)2 << 30);
        return Note("MemGetInfo");
    }

    public int HostRegister(nint address, nuint bytes, uint flags) => Note("HostRegister") is var error and not 0 ? error : Add(address);

    public int HostUnregister(nint address) => Note("HostUnregister") is var error and not 0 ? error : Remove(address);

    public int MemcpyAsync(nint destination, nint source, nuint bytes, int kind, nint stream)
    {
        Assert.Equal((1, _stream), (kind, stream));
        lock (_lock)
        {
            _pending.Enqueue((destination, source, (long)bytes));
            _given++;
        }

        return Note("MemcpyAsync");
    }

    public int StreamCreate(out nint stream, uint flags)
    {
        Assert.Equal(1u, flags); // cudaStreamNonBlocking
        _ = Add(stream = _stream = _next++);
        return Note("StreamCreate");
    }

    public int StreamDestroy(nint stream) => Remove(stream);

    public int StreamWaitEvent(nint stream, nint happening, uint flags)
    {
        if (stream == CudaRuntime.DefaultStream)
            Finish(happening);
        return Note("StreamWaitEvent");
    }

    public int EventCreate(out nint happening, uint flags) => Add(happening = _next++);

    public int EventDestroy(nint happening) => Remove(happening);

    public int EventRecord(nint happening, nint stream)
    {
        lock (_lock)
            _recorded[happening] = stream == _stream ? _given : 0;
        return Note("EventRecord");
    }

    public int EventSynchronize(nint happening)
    {
        Finish(happening);
        return Note("EventSynchronize");
    }

    private void Finish(nint happening)
    {
        lock (_lock)
        {
            for (var until = _recorded.GetValueOrDefault(happening); _done < until; _done++)
            {
                var (destination, source, bytes) = _pending.Dequeue();
                Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);
            }
        }
    }

    private int Add(nint handle)
    {
        lock (_lock)
            Assert.True(_alive.Add(handle));
        return 0;
    }

    private int Remove(nint handle)
    {
        lock (_lock)
            Assert.True(_alive.Remove(handle));
        return 0;
    }

    private int Note(string call)
    {
        lock (_lock)
        {
            Calls.Add(call);
            return Faults.Remove(call, out var error) ? error : 0;
        }
    }
}
