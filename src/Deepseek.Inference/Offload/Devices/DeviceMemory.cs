using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>Finds the best way into a device's memory.</summary>
internal static class DeviceMemory
{
    /// <summary>The memory of a device: of a GPU by its runtime library, where that can be loaded.</summary>
    /// <param name="device">The device, which has been found to be usable.</param>
    /// <param name="logger">Told where copies cannot overlap computing; null for nobody.</param>
    public static IDeviceMemory Open(Device device, ILogger? logger)
    {
        if (device.type != DeviceType.CUDA)
            return new TorchDeviceMemory(device);
        if (CudaLibrary.TryLoad(CudaLibrary.Candidates(), out var functions, out var reason))
            return new CudaDeviceMemory(new CudaRuntime(functions, Math.Max(0, device.index)), device);
        if (logger is not null)
            PagingLog.NoCudaRuntime(logger, reason);
        return new TorchDeviceMemory(device);
    }
}
