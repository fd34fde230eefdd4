using Deepseek.Inference.Configuration;
using Deepseek.Inference.Planning;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Planning;

/// <summary>The figures that are quoted for R1, and what a plan promises.</summary>
public sealed class DeploymentPlannerTests
{
    private const long GB = 1_000_000_000;

    private static readonly MachineDescription Desktop = KnownMachines.ByName("rtx4090-64gb");

    private static readonly MachineDescription Slice = KnownMachines.ByName("cpu-24gb-2core") with { RamBytes = 20L << 30 };

    private static readonly Lazy<DeploymentPlan> R1 = new(() => DeploymentPlanner.Plan(
        KnownModels.R1, Desktop with { RamBytes = 64 * GB, DiskGigabytesPerSecond = 6.5, Device = Desktop.Device! with { Bytes = 24 * GB } }, new PlanOptions { HitRate = 0.6 }));

    [Fact]
    public void Plan_R1_HasTheKnownBytes()
    {
        var footprint = R1.Value.Footprint;

        Assert.Equal((22_724_608, 464, 8, 58 * 256), (footprint.ExpertBytes, footprint.ChosenCount, footprint.ChosenPerLayer, footprint.ExpertCount));
        Assert.Equal(10.54, footprint.ChosenBytes / 1e9, 2);
        Assert.Equal(19.56, (footprint.AlwaysReadBytes + footprint.ChosenBytes) / 1e9, 2);
        Assert.Equal(671.0, R1.Value.Parameters.Total / 1e9, 1);
    }

    [Fact]
    public void Plan_R1_SizesAreThoseOfTheStore()
    {
        var summary = StoreSynthesizer.Plan(KnownModels.R1);

        Assert.Equal((summary.Bytes, summary.ExpertBytes), (R1.Value.Footprint.Bytes, R1.Value.Footprint.ExpertBytes));
        Assert.Equal(["default", "int8", "fp8", "bf16"], R1.Value.Sizes.Select(size => size.Precision));
        Assert.Equal(summary.Bytes, R1.Value.Sizes[0].Bytes);
        Assert.Equal(2 * 671.0, R1.Value.Sizes[3].Bytes / 1e9, 0);
    }

    [Fact]
    public void Plan_R1On24And64Gigabytes_HoldsAboutAFifthOfTheExperts()
    {
        Assert.InRange(R1.Value.Placement.ShareInMemory, 0.2, 0.24);
        Assert.Equal(58 * 256, R1.Value.Placement.DeviceExperts + R1.Value.Placement.Ram.ExpertCount + R1.Value.Placement.DiskExperts);
    }

    [Fact]
    public void Plan_R1FromOneDisk_IsBoundByItsMisses()
    {
        var (uniform, given) = (Of(R1.Value, RoutingAssumption.Uniform), Of(R1.Value, RoutingAssumption.Given));

        // A fifth in memory: 0.8 · 10.54 GB / 6.5 GB/s = 1.30 s, 0.77 tokens/s; 60 % hits: 0.65 s, 1.54 tokens/s.
        Assert.Equal(10.54 * (1 - R1.Value.Placement.ShareInMemory) / 6.5, uniform.DiskSeconds!.Value, 2);
        Assert.InRange(uniform.OverlappedTokensPerSecond!.Value, 0.77, 0.82);
        Assert.Equal(1.54, given.OverlappedTokensPerSecond!.Value, 2);
        Assert.Equal(("disk", "disk"), (uniform.Bound, given.Bound));
        Assert.All(R1.Value.Decode, one => Assert.True(one.SerialTokensPerSecond <= one.ExpectedTokensPerSecond && one.ExpectedTokensPerSecond <= one.OverlappedTokensPerSecond));
    }

    [Fact]
    public void Plan_R1_PrefillReadsEveryExpertOnceAPrompt()
    {
        var cold = R1.Value.Prefill.Single(one => !one.Warm);

        Assert.Equal((2048, "disk"), (cold.PromptTokens, cold.Bound));
        Assert.Equal(51.9, cold.DiskSeconds!.Value, 1);
        Assert.True(R1.Value.Prefill.Single(one => one.Warm).OverlappedTokensPerSecond > cold.OverlappedTokensPerSecond);
    }

    [Fact]
    public void Plan_Slice_HasTheKnownBytesAndBound()
    {
        var plan = DeploymentPlanner.Plan(KnownModels.R1, Slice, new PlanOptions { Layers = 8 });

        Assert.Equal((1280, 40, 22_724_608), (plan.Footprint.ExpertCount, plan.Footprint.ChosenCount, plan.Footprint.ExpertBytes));
        Assert.Equal((2.06, 0.91), (Math.Round(plan.Footprint.AlwaysReadBytes / 1e9, 2), Math.Round(plan.Footprint.ChosenBytes / 1e9, 2)));
        Assert.InRange(plan.Placement.ShareInMemory, 0.6, 0.65);
        var uniform = Of(plan, RoutingAssumption.Uniform);
        var bytes = plan.Footprint.AlwaysReadBytes + plan.Footprint.ChosenBytes;
        var seconds = bytes / (Slice.MemoryGigabytesPerSecond * 1e9) + (1 - plan.Placement.ShareInMemory) * plan.Footprint.ChosenBytes / (Slice.DiskGigabytesPerSecond!.Value * 1e9);
        Assert.Equal(1 / seconds, uniform.BoundTokensPerSecond!.Value, 6);
        Assert.Equal(5 * (1 - Math.Pow(plan.Placement.ShareInMemory, 8)) * 22_724_608 / (Slice.MemoryGigabytesPerSecond * 1e9 * Slice.KernelShare), uniform.LastSeconds, 9);
    }

    [Fact]
    public void Plan_Attention_CountsItsArithmetic()
    {
        var plan = DeploymentPlanner.Plan(KnownModels.R1, KnownMachines.ByName("epyc-512gb"), new PlanOptions { ContextTokens = 32768 });

        var full = plan.Decode.Single(one => one is { Routing: RoutingAssumption.Uniform, Depth: 32768 });
        Assert.Equal(557e9 / (plan.Machine.Int16Gops * 1e9 * SpeedModel.AttentionShare), full.AttentionSeconds, 3);
        Assert.True(full.ExpectedTokensPerSecond < Of(plan, RoutingAssumption.Uniform).ExpectedTokensPerSecond);
        Assert.Equal((0, 1.0), (plan.Placement.DiskExperts, full.HitRate));
        Assert.Equal("memory", Of(plan, RoutingAssumption.Skewed).Bound);
    }

    [Fact]
    public void Plan_UnknownDisk_HasNoSpeedsWhereExpertsAreMissing()
    {
        var machine = Slice with { DiskGigabytesPerSecond = null };

        var missing = DeploymentPlanner.Plan(KnownModels.R1, machine, new PlanOptions { Layers = 8 });
        var resident = DeploymentPlanner.Plan(KnownModels.V2Lite, machine);

        Assert.True(missing.NeedsDiskSpeed);
        Assert.All(missing.Decode, one => Assert.Null(one.ExpectedTokensPerSecond ?? one.SerialTokensPerSecond ?? one.OverlappedTokensPerSecond ?? one.BoundTokensPerSecond));
        Assert.Equal("disk", missing.Decode[0].Bound);
        Assert.Empty(missing.Advice);
        Assert.False(resident.NeedsDiskSpeed);
        Assert.All(resident.Decode, one => Assert.True(one.ExpectedTokensPerSecond > 0));
        Assert.Null(resident.Prefill[0].OverlappedTokensPerSecond); // with empty slots the experts come from the disk
    }

    [Fact]
    public void Plan_TooLittleMemory_SaysWhatIsMissing()
    {
        var plan = DeploymentPlanner.Plan(KnownModels.R1, Slice with { RamBytes = 8 * GB });
        var enough = DeploymentPlanner.Plan(KnownModels.R1, Slice with { RamBytes = 8 * GB + plan.Placement.ShortfallBytes });

        Assert.False(plan.Fits);
        Assert.Empty(plan.Decode);
        Assert.Empty(plan.Prefill);
        Assert.Equal(0, plan.LargestContext);
        Assert.True(enough.Fits);
        Assert.Equal(8, enough.Placement.Ram.ExpertCount);
        Assert.InRange(enough.LargestContext, 8192, 8300);
    }

    [Fact]
    public void Plan_ModelWithoutExperts_NeedsNoDisk()
    {
        var dense = ModelConfig.Load(Path.Combine(TestPaths.RepositoryRoot, "tests", "fixtures", "distill-qwen2"));

        var plan = DeploymentPlanner.Plan(dense, Slice with { DiskGigabytesPerSecond = null });

        Assert.Equal((0, 1.0, 0.0), (plan.Footprint.ExpertCount, plan.Placement.ShareInMemory, plan.Decode[0].MissedBytes));
        Assert.True(plan.Decode[0].ExpectedTokensPerSecond > 0 && plan.Prefill[0].OverlappedTokensPerSecond > 0);
    }

    [Fact]
    public void Plan_Advice_ComesFromTheSameFormulas()
    {
        var advice = R1.Value.Advice;
        var disks = advice.Single(one => one.Change == "a second disk like the first, both read at once");
        var changed = DeploymentPlanner.Plan(KnownModels.R1, R1.Value.Machine with { DiskGigabytesPerSecond = 13 });

        Assert.Equal(Of(changed, RoutingAssumption.Skewed).ExpectedTokensPerSecond!.Value, disks.DecodeTokensPerSecond, 9);
        Assert.Equal(disks.DecodeTokensPerSecond / Of(R1.Value, RoutingAssumption.Skewed).ExpectedTokensPerSecond!.Value, disks.Speedup, 9);
        Assert.Equal(advice.OrderByDescending(one => one.Speedup).Select(one => one.Speedup), advice.Select(one => one.Speedup));
        Assert.All(advice, one => Assert.True(one.Speedup > 0.999, one.Change));
    }

    [Fact]
    public void Plan_ExpertsOnTheProcessor_AreTheOtherChoice()
    {
        var server = DeploymentPlanner.Plan(KnownModels.R1, KnownMachines.ByName("epyc-512gb"));

        Assert.True(R1.Value.DecodeWithExpertsOnCpu > 1);
        Assert.Null(server.DecodeWithExpertsOnCpu);
        // A card is no loss for a machine that holds all experts in fast memory: it need not compute them.
        Assert.True(server.Advice.Single(one => one.Change == "a graphics card like the RTX 4090").Speedup > 1);
    }

    [Fact]
    public void Plan_ImpossibleOptions_NamesEveryFault()
    {
        var options = new PlanOptions { Layers = 62, ContextTokens = 163841, PromptTokens = 0, HitRate = 1.5, RamReserveBytes = -1, DeviceReserveBytes = -1, ChunkSize = 0 };

        var fault = Assert.Throws<ArgumentException>(() => DeploymentPlanner.Plan(KnownModels.R1, Desktop, options));

        Assert.Equal(
            "PlanOptions: Layers is 62; it must be 1 to 61, the model's layers. ContextTokens is 163841; it must be 1 to 163840, the positions that the model was made for. "
            + "PromptTokens is 0; it must be 1 to 163841, the context that is planned. HitRate is 1.5; it must be 0 to 1. RamReserveBytes is -1; it must be 0 or more. DeviceReserveBytes is -1; it must be 0 or more. ChunkSize is 0; it must be 1 or more.",
            fault.Message);
    }

    private static DecodeEstimate Of(DeploymentPlan plan, RoutingAssumption routing) => plan.Decode.Single(one => one.Routing == routing && one.Depth == 0);
}
