using System.Diagnostics.Metrics;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Instruments of the meter <c>Deepseek.Inference</c> that tell what paging does, of all models of the process together.</summary>
internal static class PagingMeters
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Deepseek.Inference";

    private static readonly Meter Meter = new(Name);

    public static Counter<long> Hits { get; } = Meter.CreateCounter<long>("deepseek.experts.hits", "{expert}", "Demanded experts that were in memory.");

    public static Counter<long> Misses { get; } = Meter.CreateCounter<long>("deepseek.experts.misses", "{expert}", "Demanded experts that were read from the disk.");

    public static Counter<long> DemandedBytes { get; } = Meter.CreateCounter<long>("deepseek.experts.demanded", "By", "Bytes read because they were demanded.");

    public static Counter<long> PrefetchedBytes { get; } = Meter.CreateCounter<long>("deepseek.experts.prefetched", "By", "Bytes read because of hints.");

    public static Counter<long> PrefetchedUsedBytes { get; } = Meter.CreateCounter<long>("deepseek.experts.prefetched.used", "By", "Bytes of experts that hints brought and a token demanded.");

    public static Counter<long> PrefetchedInVainBytes { get; } = Meter.CreateCounter<long>("deepseek.experts.prefetched.in_vain", "By", "Bytes of experts that hints brought and nobody demanded before they left.");

    public static Counter<long> Retries { get; } = Meter.CreateCounter<long>("deepseek.disk.retries", "{read}", "Reads tried again because the disk had failed.");

    public static Histogram<double> Stalls { get; } = Meter.CreateHistogram<double>("deepseek.experts.stall", "s", "How long a pass waited for experts with nothing to compute.");

    public static Histogram<int> QueueDepth { get; } = Meter.CreateHistogram<int>("deepseek.disk.queue", "{expert}", "Demanded experts whose reading had not begun entirely when a pass had waited.");
}
