using Microsoft.Extensions.Logging;

namespace Deepseek.Inference.Offload;

/// <summary>What paging tells a user.</summary>
internal static partial class PagingLog
{
    [LoggerMessage(1, LogLevel.Warning, "{File} cannot be read directly; it is read through the system's page cache, which slows paging down and takes memory from it. A local disk with ext4, xfs or NTFS reads directly.")]
    public static partial void Indirect(ILogger logger, string file);

    [LoggerMessage(3, LogLevel.Information, "Recorded usage of experts: {Reason}")]
    public static partial void Usage(ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Warning, "The budget is {Budget}; {Free} are free beside what the process holds. The system may swap, or end the process.")]
    public static partial void AboveFree(ILogger logger, string budget, string free);

    [LoggerMessage(4, LogLevel.Warning, "The CUDA runtime could not be loaded ({Reason}): copies to the device do not overlap computing, and it does not tell its free memory.")]
    public static partial void NoCudaRuntime(ILogger logger, string reason);

    [LoggerMessage(5, LogLevel.Warning, "The device ran out of memory with {Slots} experts; {Fewer} are tried. A lower MemoryBudget.VramBytes (--vram) leaves room from the beginning.")]
    public static partial void FewerSlots(ILogger logger, int slots, int fewer);

    [LoggerMessage(6, LogLevel.Information, "Memory of the host could not be locked in its place ({Bytes}): copies to the device take help of the processor. The system's limit of locked memory may be too low.")]
    public static partial void NotLocked(ILogger logger, string bytes);

    [LoggerMessage(7, LogLevel.Information, "The device holds {Slots} of {Experts} experts beside {Always} of weights that every token uses; a peak of {Peak} is predicted.")]
    public static partial void OnDevice(ILogger logger, int slots, int experts, string always, string peak);
}
