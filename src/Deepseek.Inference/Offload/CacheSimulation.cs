namespace Deepseek.Inference.Offload;

/// <summary>What a simulated cache did, warm-up excluded.</summary>
/// <param name="Tokens">Tokens that count.</param>
/// <param name="Demands">Experts that they used.</param>
/// <param name="Misses">Of these, those that were not in memory.</param>
/// <param name="OptimalMisses">
/// The misses of Belady's rule, which evicts the expert whose next use is farthest: no cache without prefetch misses less over a whole trace. (L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
/// Systems Journal 5(2), 1966.)
/// </param>
/// <param name="PrefetchReads">Experts that were read ahead, needed or not.</param>
public sealed record CacheSimulation(int Tokens, long Demands, long Misses, long OptimalMisses, long PrefetchReads)
{
    /// <summary>Demands that found their expert in memory, 0 to 1.</summary>
    public double HitRate => 1 - ((double)Misses / Demands);

    /// <summary>The hit rate of Belady's rule.</summary>
    public double OptimalHitRate => 1 - ((double)OptimalMisses / Demands);

    /// <summary>Experts that a token waits for.</summary>
    public double MissesPerToken => (double)Misses / Tokens;

    /// <summary>Experts that a token lets the disk read, those that are read ahead among them.</summary>
    public double ReadsPerToken => (double)(Misses + PrefetchReads) / Tokens;

    /// <summary>What the figures mean in time on a machine.</summary>
    /// <param name="machine">Sizes and speeds.</param>
    /// <exception cref="ArgumentException">A size or a speed is at fault; all faults are named.</exception>
    public DecodeForecast Forecast(SimulatedMachine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        machine.Validate();
        var disk = ReadsPerToken * machine.ExpertBytes / (machine.DiskGigabytesPerSecond * 1e9);
        var memory = (machine.AlwaysReadBytes + ((double)Demands / Tokens * machine.ExpertBytes)) / (machine.MemoryGigabytesPerSecond * 1e9);
        return new DecodeForecast(ReadsPerToken * machine.ExpertBytes, 1 / (memory + disk), 1 / Math.Max(memory, disk));
    }
}
