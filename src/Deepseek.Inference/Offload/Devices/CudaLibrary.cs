using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>The CUDA runtime that comes with libtorch, looked up by name when a device is first used; nothing refers to it at build time.</summary>
/// <remarks>Unverified: has not run on a GPU.</remarks>
internal sealed unsafe class CudaLibrary : ICudaFunctions
{
    private readonly delegate* unmanaged<int, int> _setDevice;
    private readonly delegate* unmanaged<int> _getLastError;
    private readonly delegate* unmanaged<int, nint> _errorText;
    private readonly delegate* unmanaged<nuint*, nuint*, int> _memGetInfo;
    private readonly delegate* unmanaged<nint, nuint, uint, int> _hostRegister;
    private readonly delegate* unmanaged<nint, int> _hostUnregister;
    private readonly delegate* unmanaged<nint, nint, nuint, int, nint, int> _memcpyAsync;
    private readonly delegate* unmanaged<nint*, uint, int> _streamCreate;
    private readonly delegate* unmanaged<nint, int> _streamDestroy;
    private readonly delegate* unmanaged<nint, nint, uint, int> _streamWaitEvent;
    private readonly delegate* unmanaged<nint*, uint, int> _eventCreate;
    private readonly delegate* unmanaged<nint, int> _eventDestroy;
    private readonly delegate* unmanaged<nint, nint, int> _eventRecord;
    private readonly delegate* unmanaged<nint, int> _eventSynchronize;

    private CudaLibrary(nint library)
    {
        _setDevice = (delegate* unmanaged<int, int>)Export("cudaSetDevice");
        _getLastError = (delegate* unmanaged<int>)Export("cudaGetLastError");
        _errorText = (delegate* unmanaged<int, nint>)Export("cudaGetErrorString");
        _memGetInfo = (delegate* unmanaged<nuint*, nuint*, int>)Export("cudaMemGetInfo");
        _hostRegister = (delegate* unmanaged<nint, nuint, uint, int>)Export("cudaHostRegister");
        _hostUnregister = (delegate* unmanaged<nint, int>)Export("cudaHostUnregister");
        _memcpyAsync = (delegate* unmanaged<nint, nint, nuint, int, nint, int>)Export("cudaMemcpyAsync");
        _streamCreate = (delegate* unmanaged<nint*, uint, int>)Export("cudaStreamCreateWithFlags");
        _streamDestroy = (delegate* unmanaged<nint, int>)Export("cudaStreamDestroy");
        _streamWaitEvent = (delegate* unmanaged<nint, nint, uint, int>)Export("cudaStreamWaitEvent");
        _eventCreate = (delegate* unmanaged<nint*, uint, int>)Export("cudaEventCreateWithFlags");
        _eventDestroy = (delegate* unmanaged<nint, int>)Export("cudaEventDestroy");
        _eventRecord = (delegate* unmanaged<nint, nint, int>)Export("cudaEventRecord");
        _eventSynchronize = (delegate* unmanaged<nint, int>)Export("cudaEventSynchronize");

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>Loads the library.</summary>
    /// <param name="candidates">Paths and names to try, in order; see <see cref="Candidates"/>.</param>
    /// <param name="functions">Receives its functions.</param>
    /// <param name="reason">Receives why there are none: what was tried.</param>
    public static bool TryLoad(IReadOnlyList<string> candidates, [NotNullWhen(true)] out CudaLibrary? functions, [NotNullWhen(false)] out string? reason)
    {
        (functions, reason) = (null, null);
        List<string> faults = [];
        foreach (var candidate in candidates)
        {
            if (!NativeLibrary.TryLoad(candidate, out var library))
            {
                faults.Add($"{candidate} was not found");
                continue;
            }

            try
            {
                functions = new CudaLibrary(library);
                return true;
            }
            catch (EntryPointNotFoundException e)
            {
                faults.Add($"{candidate}: {e.Message}");
                NativeLibrary.Free(library);
            }
        }

        reason = faults.Count == 0 ? "no library was tried" : string.Join("; ", faults);
        return false;
    }

    /// <summary>Where the library may be: beside libtorch first, whose build may have put a checksum into the name, then where the system looks.</summary>
    public static IReadOnlyList<string> Candidates()
    {
        string[] names = OperatingSystem.IsWindows() ? ["cudart64_12.dll", "cudart64_13.dll"] : ["libcudart.so.12", "libcudart.so.13"];
        var folder = Path.GetDirectoryName(TorchLibraries.Find(TorchLibraries.CudaName));
        string[] beside = folder is null ? [] : Directory.GetFiles(folder, OperatingSystem.IsWindows() ? "cudart64*.dll" : "libcudart*.so*");
        Array.Sort(beside, StringComparer.Ordinal);
        return [.. beside, .. names];
    }

    public int SetDevice(int device) => _setDevice(device);

    public int GetLastError() => _getLastError();

    public string ErrorText(int error) => Marshal.PtrToStringUTF8(_errorText(error)) ?? "";

    public int MemGetInfo(out nuint free, out nuint total)
    {
        nuint freeBytes, totalBytes;
        var error = _memGetInfo(&freeBytes, &totalBytes);
        (free, total) = error == 0 ? (freeBytes, totalBytes) : (0, 0);
        return error;
    }

    public int HostRegister(nint address, nuint bytes, uint flags) => _hostRegister(address, bytes, flags);

    public int HostUnregister(nint address) => _hostUnregister(address);

    public int MemcpyAsync(nint destination, nint source, nuint bytes, int kind, nint stream) => _memcpyAsync(destination, source, bytes, kind, stream);

    public int StreamCreate(out nint stream, uint flags)
    {
        nint made = 0;
        var error = _streamCreate(&made, flags);
        stream = made;
        return error;
    }

    public int StreamDestroy(nint stream) => _streamDestroy(stream);

    public int StreamWaitEvent(nint stream, nint happening, uint flags) => _streamWaitEvent(stream, happening, flags);

    public int EventCreate(out nint happening, uint flags)
    {
        nint made = 0;
        var error = _eventCreate(&made, flags);
        happening = made;
        return error;
    }

    public int EventDestroy(nint happening) => _eventDestroy(happening);

    public int EventRecord(nint happening, nint stream) => _eventRecord(happening, stream);

    public int EventSynchronize(nint happening) => _eventSynchronize(happening);
}
