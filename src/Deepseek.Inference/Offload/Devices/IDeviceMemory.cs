using static TorchSharp.torch;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>The memory of a device that computes, and the ways into it: all that the device tier asks of a GPU.</summary>
/// <remarks>
/// <para>Thread-safe. Copies and marks are numbered; 0 stands for nothing to wait for.</para>
/// <para>A CPU can be the device: then copies are done when the call returns, and there is nothing to order.</para>
/// </remarks>
internal interface IDeviceMemory : IDisposable
{
    /// <summary>The device.</summary>
    Device Device { get; }

    /// <summary>Free and total bytes; null where the device does not tell.</summary>
    (long Free, long Total)? Reading { get; }

    /// <summary>Takes memory, which is not cleared: u8 [bytes]; the caller disposes it.</summary>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">There is not so much (<see cref="OutOfDeviceMemory"/> tells it from other faults).</exception>
    Tensor Allocate(long bytes);

    /// <summary>Begins to copy from the host.</summary>
    /// <param name="source">The first byte, valid until the copy is done.</param>
    /// <param name="destination">Memory of <see cref="Allocate"/>.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="after">A mark: what the device was given to compute before it still reads the destination.</param>
    /// <returns>The copy.</returns>
    long Copy(nint source, Tensor destination, long offset, long length, long after);

    /// <summary>What the device is given to compute from now on waits for a copy.</summary>
    void Order(long copy);

    /// <summary>The caller waits for a copy and all before it.</summary>
    void Wait(long copy);

    /// <summary>Marks the end of what the device was given to compute so far.</summary>
    long Mark();

    /// <summary>Locks memory of the host in its place, so that copies from it need no help of the processor; false where that is not possible.</summary>
    bool TryLock(nint address, long length);

    /// <summary>Gives locked memory free; nothing may be copied from it any more.</summary>
    void Unlock(nint address);
}
