namespace Deepseek.Inference.Offload.Devices;

/// <summary>The CUDA runtime for one device: the calls of <see cref="ICudaFunctions"/>, with errors as exceptions.</summary>
/// <remarks>Unverified: has not run on a GPU.</remarks>
/// <param name="functions">The library, or what stands for it in a test.</param>
/// <param name="device">The device's number.</param>
internal sealed class CudaRuntime(ICudaFunctions functions, int device)
{
    private const int HostToDevice = 1; // cudaMemcpyHostToDevice
    private const uint NonBlocking = 1; // cudaStreamNonBlocking: libtorch computes on the default stream, with which other streams would wait
    private const uint DisableTiming = 2; // cudaEventDisableTiming

    /// <summary>The stream on which libtorch computes unless told otherwise.</summary>
    public const nint DefaultStream = 0;

    /// <summary>Free and total bytes; null where the call fails.</summary>
    public (long Free, long Total)? Memory
    {
        get
        {
            Choose();
            if (functions.MemGetInfo(out var free, out var total) == 0)
                return ((long)free, (long)total);
            _ = functions.GetLastError();
            return null;
        }
    }

    /// <summary>Locks pages; false where the system refuses, as it may for more than its limit of locked memory.</summary>
    public bool TryRegister(nint address, long length)
    {
        Choose();
        if (functions.HostRegister(address, (nuint)length, 0) == 0)
            return true;
        _ = functions.GetLastError();
        return false;
    }

    /// <summary>Gives pages free.</summary>
    public void Unregister(nint address)
    {
        Choose();
        if (functions.HostUnregister(address) != 0)
            _ = functions.GetLastError(); // the memory goes away in any case
    }

    /// <summary>Begins a copy to the device.</summary>
    public void Copy(nint destination, nint source, long length, nint stream)
    {
        Choose();
        Check(functions.MemcpyAsync(destination, source, (nuint)length, HostToDevice, stream), "cudaMemcpyAsync");
    }

    /// <summary>A stream beside the one that computes.</summary>
    public nint CreateStream()
    {
        Choose();
        Check(functions.StreamCreate(out var stream, NonBlocking), "cudaStreamCreateWithFlags");
        return stream;
    }

    /// <summary>An event.</summary>
    public nint CreateEvent()
    {
        Choose();
        Check(functions.EventCreate(out var happening, DisableTiming), "cudaEventCreateWithFlags");
        return happening;
    }

    /// <summary>Lets an event happen when a stream has come so far.</summary>
    public void Record(nint happening, nint stream)
    {
        Choose();
        Check(functions.EventRecord(happening, stream), "cudaEventRecord");
    }

    /// <summary>Lets a stream wait for an event as it was last recorded.</summary>
    public void WaitFor(nint stream, nint happening)
    {
        Choose();
        Check(functions.StreamWaitEvent(stream, happening, 0), "cudaStreamWaitEvent");
    }

    /// <summary>The caller waits for an event.</summary>
    public void Synchronize(nint happening)
    {
        Choose();
        Check(functions.EventSynchronize(happening), "cudaEventSynchronize");
    }

    /// <summary>Frees streams and events.</summary>
    public void Destroy(nint stream, IEnumerable<nint> happenings)
    {
        Choose();
        foreach (var happening in happenings)
            _ = functions.EventDestroy(happening);
        _ = functions.StreamDestroy(stream);
    }

    private void Choose() => Check(functions.SetDevice(device), "cudaSetDevice"); // it holds for a thread, and any thread may call

    private void Check(int error, string call)
    {
        if (error == 0)
            return;
        _ = functions.GetLastError();
        throw new InvalidOperationException($"{call} failed on CUDA device {device}: {functions.ErrorText(error)}.");
    }
}
