using Deepseek.Inference.Configuration;
using Deepseek.Inference.Planning;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Sampling;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Planning;

public sealed class PlacementRuleTests
{
    private const long MiB = 1L << 20;

    private static readonly (ModelConfig Config, StoreFootprint Bytes)[] Models =
    [
        .. from model in new[] { (KnownModels.R1, 8), (KnownModels.R1, 61), (KnownModels.V2Lite, 27) }
           let options = new SyntheticOptions { Layers = model.Item2 }
           select (StoreSynthesizer.Configure(model.Item1, options), StoreSynthesizer.Footprint(model.Item1, options, new StoreOptions())),
    ];

    private static readonly Gen<(int Model, MachineDescription Machine, int Context)> Cases =
        from model in Gen.Choose(0, Models.Length - 1)
        from ram in Gen.Choose(1, 600_000)
        from card in Gen.Choose(-20_000, 100_000)
        from context in Gen.Choose(1, 160_000)
        from disk in Gen.Choose(1, 200)
        from link in Gen.Choose(1, 640)
        select (model, KnownMachines.ByName("cpu-64gb") with
        {
            RamBytes = ram * MiB,
            DiskGigabytesPerSecond = disk / 10.0,
            Device = card > 0 ? new DeviceDescription("card", card * MiB, 1000, 100, link / 10.0) : null,
        }, context);

    [Fact]
    public void Place_AnyMachine_KeepsTheBudgetsAndPlacesEverything() => Rows.ForAll(Cases, one =>
    {
        var (config, bytes) = Models[one.Model];

        var placement = PlacementRule.Place(config, bytes, one.Machine, new PlanOptions(), one.Context);

        Assert.True(placement.Device is not { } card || card.UsedBytes <= card.BudgetBytes);
        Assert.Equal(placement.Fits, placement.Ram.UsedBytes + Math.Min(bytes.ChosenPerLayer, bytes.ExpertCount - placement.DeviceExperts) * bytes.ExpertBytes * (placement.Fits ? 0 : 1) <= placement.Ram.BudgetBytes);
        Assert.Equal(bytes.ExpertCount, placement.DeviceExperts + placement.Ram.ExpertCount + placement.DiskExperts);
        Assert.Equal(bytes.AlwaysUsedBytes, placement.Ram.AlwaysUsedBytes + (placement.Device?.AlwaysUsedBytes ?? 0));
        Assert.True(placement.Ram.CacheBytes > 0 ^ placement.Device is { CacheBytes: > 0 });
    });

    [Fact]
    public void Decode_MoreMemory_IsNeverSlower() => Rows.ForAll(Cases, one =>
    {
        var (config, bytes) = Models[one.Model];
        var more = one.Machine with { RamBytes = one.Machine.RamBytes + (4096 * MiB) };

        foreach (var routing in new[] { RoutingAssumption.Uniform, RoutingAssumption.Skewed })
        {
            var (before, after) = (Speed(one.Machine, routing), Speed(more, routing));
            Assert.True(after >= before * (1 - 1e-12), $"{routing}: {before} before, {after} after");
        }

        double Speed(MachineDescription machine, RoutingAssumption routing)
        {
            var placement = PlacementRule.Place(config, bytes, machine, new PlanOptions(), one.Context);
            return placement.Fits ? new SpeedModel(config, bytes, machine, placement).Decode(routing, null, one.Context).ExpectedTokensPerSecond!.Value : 0;
        }
    });

    [Fact]
    public void Decode_AnyHits_LiesBetweenNoOverlapAndAll() => Rows.ForAll(Cases, one =>
    {
        var (config, bytes) = Models[one.Model];
        var placement = PlacementRule.Place(config, bytes, one.Machine, new PlanOptions(), one.Context);
        if (!placement.Fits)
            return;

        var estimate = new SpeedModel(config, bytes, one.Machine, placement).Decode(RoutingAssumption.Given, one.Context / 160_000.0, one.Context);

        Assert.True(estimate.SerialTokensPerSecond <= estimate.ExpectedTokensPerSecond * (1 + 1e-12) && estimate.ExpectedTokensPerSecond <= estimate.OverlappedTokensPerSecond * (1 + 1e-12), $"{estimate}");
        Assert.InRange(estimate.LastSeconds, 0, estimate.MissingSeconds * (1 + 1e-12));
    });

    [Fact]
    public void LargestContext_AnyMachine_IsTheLastThatFits() => Rows.ForAll(Cases, one =>
    {
        var (config, bytes) = Models[one.Model];

        var largest = PlacementRule.LargestContext(config, bytes, one.Machine, new PlanOptions());

        Assert.InRange(largest, 0, config.MaxPositions);
        Assert.True(largest == 0 || PlacementRule.Place(config, bytes, one.Machine, new PlanOptions(), largest).Fits);
        Assert.True(largest == config.MaxPositions || !PlacementRule.Place(config, bytes, one.Machine, new PlanOptions(), largest + 1).Fits);
    });
}
