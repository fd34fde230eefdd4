using BenchmarkDotNet.Configs;

namespace Deepseek.Inference.Benchmarks;

/// <summary>What all suites report.</summary>
internal static class BenchmarkSettings
{
    public static IConfig Create() => DefaultConfig.Instance.AddColumn(new BandwidthColumn());
}
