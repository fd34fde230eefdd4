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
}
