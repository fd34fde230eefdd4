using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using Perfolizer.Horology;

namespace Deepseek.Inference.Benchmarks;

/// <summary>What all suites report, and how long they take.</summary>
internal static class BenchmarkSettings
{
    /// <summary>Short runs: a suite ends in minutes. Where a difference of some percent matters, <c>--job medium</c> adds longer ones.</summary>
    public static IConfig Create() => DefaultConfig.Instance
        .AddColumn(WorkColumn.All)
        .WithBuildTimeout(TimeSpan.FromMinutes(10)) // a busy machine takes more than the two that are usual
        .AddJob(Job.ShortRun.WithIterationTime(TimeInterval.FromMilliseconds(200)));
}
