using System.Collections.Concurrent;
using Deepseek.Inference.Planning;

namespace Deepseek.Inference.Benchmarks;

/// <summary>What this machine can do, measured in the run whose table it stands in.</summary>
internal static class Machine
{
    private static readonly ConcurrentDictionary<int, HardwareProfile> Profiles = [];

    /// <summary>The limits for a number of threads.</summary>
    public static HardwareProfile With(int threads) => Profiles.GetOrAdd(threads, static count => HardwareProfile.Measure(count));

    /// <summary>Every measurement so far, in words.</summary>
    public static string Description => string.Join("; ", Profiles.Values.OrderBy(profile => profile.Threads).Select(profile => FormattableString.Invariant(
        $"{profile.Threads} {(profile.Threads == 1 ? "thread" : "threads")}, {profile.KernelPath}: {profile.MemoryGigabytesPerSecond:0.0} GB/s, int16 {profile.Int16Gops:0}, int8 {profile.Int8Gops:0} GOP/s, fp32 {profile.Fp32Gflops:0} GFLOP/s")));
}
