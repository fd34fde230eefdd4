using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Planning;

/// <summary>Says before a download what a machine will do with a model, and why: sizes, placement, speeds, and what would help.</summary>
/// <remarks>
/// Sizes are exact: they are those of the store that a conversion lays out. Speeds are formulas over bytes, operations and the machine's figures; docs/tool.md lists them. They are forecasts of this library's way to compute, not
/// measurements; graphics cards in particular have not been measured.
/// </remarks>
public static class DeploymentPlanner
{
    private static readonly StorePrecision[] Others = [StorePrecision.Int8, StorePrecision.Fp8, StorePrecision.BF16];

    /// <summary>Plans.</summary>
    /// <param name="config">The model, such as one of <see cref="KnownModels"/>.</param>
    /// <param name="machine">The machine: one of <see cref="KnownMachines"/>, or <see cref="MachineDescription.Measure"/>.</param>
    /// <param name="options">Context, layers, prompt; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options, the machine or the configuration are at fault; all faults are named.</exception>
    public static DeploymentPlan Plan(ModelConfig config, MachineDescription machine, PlanOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(machine);
        options ??= new PlanOptions();
        options.Validate(config);
        machine.Validate();

        var synthetic = new SyntheticOptions { Layers = options.Layers };
        var model = StoreSynthesizer.Configure(config, synthetic);
        var footprint = StoreSynthesizer.Footprint(config, synthetic, new StoreOptions());
        var outcome = Outcome.Of(model, footprint, machine, options);
        return new DeploymentPlan
        {
            Model = model,
            Parameters = ParameterCounts.Of(model),
            Machine = machine,
            ContextTokens = options.Context(config),
            Footprint = footprint,
            Sizes = [SizeOf("default", footprint), .. Others.Select(precision => SizeOf(precision.Name(), StoreSynthesizer.Footprint(config, synthetic, All(precision))))],
            Placement = outcome.Placement,
            Decode = outcome.Decode,
            Prefill = outcome.Prefill,
            LargestContext = PlacementRule.LargestContext(model, footprint, machine, options),
            CacheBytesPerToken = ModelWork.CacheBytes(model, outcome.Placement.Device is { CacheBytes: > 0 }),
            DecodeWithExpertsOnCpu = outcome.Placement.DeviceExperts > 0 ? Outcome.Of(model, footprint, machine, options, expertsOnDevice: false).Speed?.Decode : null,
            Advice = outcome.Speed is { } speed ? [.. Advise(model, footprint, machine, options, speed)] : [],
        };
    }

    private static StoreOptions All(StorePrecision precision) => new()
    {
        Experts = precision, Dense = precision, Attention = precision, LatentUp = precision, Embedding = precision, Head = precision, Prediction = null,
    };

    private static PrecisionSize SizeOf(string name, StoreFootprint footprint) =>
        new(name, footprint.Bytes, footprint.AlwaysUsedBytes, footprint.ExpertBytes, footprint.AlwaysReadBytes + footprint.ChosenBytes);

    private static IEnumerable<PlanAdvice> Advise(ModelConfig model, StoreFootprint footprint, MachineDescription machine, PlanOptions options, (double Decode, double Prefill) before)
    {
        return
            from change in MachineChanges.Of(machine)
            let speed = SpeedOf(change.Machine, orOnCpu: machine.Device is null)
            where speed is not null
            let advice = new PlanAdvice(change.Name, speed.Value.Decode, speed.Value.Decode / before.Decode, speed.Value.Prefill)
            orderby advice.Speedup descending, advice.PrefillTokensPerSecond descending
            select advice;

        // Who buys a card may leave the experts to the processor.
        (double Decode, double Prefill)? SpeedOf(MachineDescription changed, bool orOnCpu)
        {
            var speed = Outcome.Of(model, footprint, changed, options).Speed;
            var other = orOnCpu ? Outcome.Of(model, footprint, changed, options, expertsOnDevice: false).Speed : null;
            return other?.Decode > speed?.Decode ? other : speed;
        }
    }

    /// <summary>What follows from a footprint and a machine.</summary>
    private sealed record Outcome(ModelPlacement Placement, IReadOnlyList<DecodeEstimate> Decode, IReadOnlyList<PrefillEstimate> Prefill)
    {
        /// <summary>What advice compares; null where it is not known.</summary>
        public (double Decode, double Prefill)? Speed =>
            Decode.FirstOrDefault(one => one is { Routing: RoutingAssumption.Skewed, Depth: 0 })?.ExpectedTokensPerSecond is { } decode && Prefill.FirstOrDefault(one => one.Warm)?.OverlappedTokensPerSecond is { } prefill
                ? (decode, prefill)
                : null;

        public static Outcome Of(ModelConfig model, StoreFootprint footprint, MachineDescription machine, PlanOptions options, bool expertsOnDevice = true)
        {
            var context = options.Context(model);
            var placement = PlacementRule.Place(model, footprint, machine, options, context, expertsOnDevice);
            if (!placement.Fits)
                return new(placement, [], []);

            var speeds = new SpeedModel(model, footprint, machine, placement);
            RoutingAssumption[] routings = options.HitRate is null ? [RoutingAssumption.Uniform, RoutingAssumption.Skewed] : [RoutingAssumption.Uniform, RoutingAssumption.Skewed, RoutingAssumption.Given];
            return new(
                placement,
                [.. routings.SelectMany(routing => (DecodeEstimate[])[speeds.Decode(routing, options.HitRate, 0), speeds.Decode(routing, options.HitRate, context)])],
                [speeds.Prefill(options.Prompt(model), warm: false, options.ChunkSize), speeds.Prefill(options.Prompt(model), warm: true, options.ChunkSize)]);
        }
    }
}
