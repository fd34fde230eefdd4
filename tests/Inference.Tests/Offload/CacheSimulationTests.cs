using Deepseek.Inference.Offload;

namespace Deepseek.Inference.Tests.Offload;

public sealed class CacheSimulationTests
{
    private static readonly CacheSimulation Result = new(Tokens: 10, Demands: 400, Misses: 100, OptimalMisses: 40, PrefetchReads: 50);

    [Fact]
    public void Figures_OfCounts_AreTheirQuotients()
    {
        Assert.Equal((0.75, 0.9, 10.0, 15.0), (Result.HitRate, Result.OptimalHitRate, Result.MissesPerToken, Result.ReadsPerToken));
    }

    [Fact]
    public void Forecast_HandWorked_AddsTimesOrTakesTheLonger()
    {
        // 15 reads of 0.1 GB at 5 GB/s: 0.3 s. 2 GB always and 40 experts of 0.1 GB at 60 GB/s: 0.1 s.
        var forecast = Result.Forecast(new() { ExpertBytes = 100_000_000, AlwaysReadBytes = 2_000_000_000, MemoryGigabytesPerSecond = 60, DiskGigabytesPerSecond = 5 });

        Assert.Equal(1.5e9, forecast.DiskBytesPerToken, 1.0);
        Assert.Equal(2.5, forecast.TokensPerSecond, 1e-9);
        Assert.Equal(1 / 0.3, forecast.OverlappedTokensPerSecond, 1e-9);
    }

    [Fact]
    public void Forecast_AllFaults_AreNamed()
    {
        var fault = Assert.Throws<ArgumentException>(() => Result.Forecast(new() { ExpertBytes = 0, AlwaysReadBytes = -1, MemoryGigabytesPerSecond = double.NaN, DiskGigabytesPerSecond = 0 }));

        Assert.Equal(
            "SimulatedMachine: ExpertBytes is 0; it must be 1 or more. AlwaysReadBytes is -1; it must be 0 or more. MemoryGigabytesPerSecond is NaN; it must be above 0 and finite. DiskGigabytesPerSecond is 0; it must be above 0 and finite.",
            fault.Message);
    }
}
