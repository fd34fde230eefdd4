namespace Deepseek.Inference.Offload.Devices;

/// <summary>The functions of the CUDA runtime that TorchSharp lacks, as the library has them: each returns an error's number, 0 for none.</summary>
/// <remarks>CUDA Runtime API reference, sections Memory Management, Stream Management and Event Management.</remarks>
internal interface ICudaFunctions
{
    /// <summary>cudaSetDevice: the device of the calling thread.</summary>
    int SetDevice(int device);

    /// <summary>cudaGetLastError: the last error, which is thereby forgotten; otherwise libtorch would report it as its own.</summary>
    int GetLastError();

    /// <summary>cudaGetErrorString.</summary>
    string ErrorText(int error);

    /// <summary>cudaMemGetInfo.</summary>
    int MemGetInfo(out nuint free, out nuint total);

    /// <summary>cudaHostRegister: locks pages.</summary>
    int HostRegister(nint address, nuint bytes, uint flags);

    /// <summary>cudaHostUnregister.</summary>
    int HostUnregister(nint address);

    /// <summary>cudaMemcpyAsync.</summary>
    int MemcpyAsync(nint destination, nint source, nuint bytes, int kind, nint stream);

    /// <summary>cudaStreamCreateWithFlags.</summary>
    int StreamCreate(out nint stream, uint flags);

    /// <summary>cudaStreamDestroy.</summary>
    int StreamDestroy(nint stream);

    /// <summary>cudaStreamWaitEvent: what the stream is given from now on waits.</summary>
    int StreamWaitEvent(nint stream, nint happening, uint flags);

    /// <summary>cudaEventCreateWithFlags.</summary>
    int EventCreate(out nint happening, uint flags);

    /// <summary>cudaEventDestroy.</summary>
    int EventDestroy(nint happening);

    /// <summary>cudaEventRecord: it happens when the stream has done what it was given so far.</summary>
    int EventRecord(nint happening, nint stream);

    /// <summary>cudaEventSynchronize: the caller waits.</summary>
    int EventSynchronize(nint happening);
}
