using System.CommandLine;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Store;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek simulate</c>: how often a cache of some size would hold the experts that tokens want.</summary>
internal static class SimulateCommand
{
    private const string StandardArchitecture = "r1";
    private const double LeastSpeed = 0.001;
    private const double MostSpeed = 1_000_000;
    private const long StandardReserve = 4L << 30;
    private static readonly long[] StandardRam = [64L << 30, 96L << 30, 128L << 30, 192L << 30, 384L << 30];

    public static Command Create(ToolConsole console)
    {
        var architecture = ArchitectureOption.Create("The model, whose store has the default precisions", StandardArchitecture);
        var ram = SizeOption.Several("--ram", "Memory of the machine; several are compared. Default: 64GiB 96GiB 128GiB 192GiB 384GiB.");
        var reserve = SizeOption.Bytes("--reserve", "What system, caches and buffers take of it. Default: 4GiB.", minimum: 0);
        var slots = NumberOption.Several("--slots", "N", "Experts that fit into memory, in place of --ram.", 1);
        var eviction = EvictionOption.Create("Which expert leaves when another needs its place. Default: all, compared.", withAll: true);
        var share = new Option<bool>("--share-by-layer") { Description = "Give every layer an equal share." };
        var pin = NumberOption.Real("--pin", "P", "The part of the slots that the most used experts of the warm-up keep, 0 to 0.9. Default: 0.", 0, 0.9);
        var prefetch = NumberOption.Real("--prefetch", "A", "Guess the next layer's experts and read them; the part that is right, 0 to 1. Default: no prefetch.", 0, 1);
        var warmUp = NumberOption.Whole("--warm-up", "N", "Tokens that fill the cache and do not count. Default: a quarter.", 0);
        var memory = NumberOption.Real("--memory", "GB/s", "What the memory delivers, for the forecast. Default: 60.", LeastSpeed, MostSpeed);
        var disk = NumberOption.Real("--disk", "GB/s", "What the disk delivers, for the forecast. Default: 6.5.", LeastSpeed, MostSpeed);
        var json = CommonOptions.Json();
        var command = new Command("simulate", "Replays a routing through a simulated expert cache: hits, bytes and a forecast of the speed by memory and eviction policy, beside the best that is possible. Needs no weights.")
        {
            architecture, ram, reserve, slots, eviction, share, pin, prefetch, warmUp, memory, disk, json,
        };
        var routing = new TraceOptionSet(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            routing.Check(parsed);
            if (parsed.GetValue(ram) is { Length: > 0 } && parsed.GetValue(slots) is { Length: > 0 })
                throw new UsageException("--ram and --slots are both given; one of them decides how many experts fit.");

            var sizes = Sizes.Of(ArchitectureOption.Read(parsed.GetValue(architecture) ?? StandardArchitecture, console));
            var (trace, description) = routing.Read(parsed, sizes.Experts, sizes.Layers);
            sizes.Require(trace, description);
            var machine = new SimulatedMachine { ExpertBytes = sizes.ExpertBytes, AlwaysReadBytes = sizes.AlwaysReadBytes };
            machine = machine with
            {
                MemoryGigabytesPerSecond = parsed.GetValue(memory) ?? machine.MemoryGigabytesPerSecond,
                DiskGigabytesPerSecond = parsed.GetValue(disk) ?? machine.DiskGigabytesPerSecond,
            };
            (long? Ram, int Slots)[] budgets = parsed.GetValue(slots) is { Length: > 0 } given
                ? [.. given.Select(count => ((long?)null, count))]
                : [.. (parsed.GetValue(ram) is { Length: > 0 } ramSizes ? ramSizes : StandardRam).Select(bytes => ((long?)bytes, sizes.Slots(bytes, parsed.GetValue(reserve) ?? StandardReserve)))];
            var caches =
                from budget in budgets
                from policy in EvictionOption.Read(parsed.GetValue(eviction))
                select (budget.Ram, Options: new CacheSimulationOptions
                {
                    Slots = budget.Slots,
                    Eviction = policy,
                    ShareByLayer = parsed.GetValue(share),
                    PinnedShare = parsed.GetValue(pin) ?? 0,
                    PrefetchAccuracy = parsed.GetValue(prefetch),
                    WarmUpTokens = parsed.GetValue(warmUp),
                    Seed = routing.Seed(parsed),
                });
            List<SimulationRow> rows = [];
            foreach (var (bytes, options) in caches)
                rows.Add(new SimulationRow(bytes, options, await Task.Run(() => ExpertCacheSimulator.Run(trace, options, cancellationToken), cancellationToken).ConfigureAwait(false)));

            var report = new SimulationReport(description, trace, machine, rows);
            if (parsed.GetValue(json))
                rows.ForEach(row => console.Out.WriteLine(report.Json(row)));
            else
                report.Print(console.Out);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek simulate --architecture r1 --ram 64GiB 128GiB",
            "deepseek simulate --synthetic markov --skew 0.5 --stay 0.3 --eviction least-stale --disk 12",
            "deepseek simulate --trace routing.bin --architecture v2-lite --slots 400 800 --json");
    }

    /// <summary>What a model's store takes.</summary>
    private sealed record Sizes(ExpertConfig Experts, int Layers, long ExpertBytes, long ResidentBytes, long AlwaysReadBytes)
    {
        public static Sizes Of(ModelConfig config)
        {
            if (config.Experts is not { } experts)
                throw new ArgumentException("--architecture has no routed experts; there is nothing to cache.");
            var plan = StoreSynthesizer.Plan(config);
            StoreClass[] resident = [.. plan.Classes.Where(one => one.Part == "resident")];
            // Of the embedding a token reads one row; it is stored as most of what is always there.
            var embedding = config.TieWordEmbeddings ? 0 : ParameterCounts.Of(config).Embedding * resident[0].Bytes / resident[0].Parameters;
            var bytes = resident.Sum(one => one.Bytes);
            return new Sizes(experts, Enumerable.Range(0, config.LayerCount).Count(experts.IsMixture), plan.ExpertBytes, bytes, bytes - embedding);
        }

        public void Require(RoutingTrace trace, string description)
        {
            if ((trace.Layers, trace.ExpertsPerLayer, trace.Chosen) != (Layers, Experts.RoutedCount, Experts.ChosenCount))
                throw new ArgumentException(FormattableString.Invariant($"{description} has {trace.Layers} layers × {trace.ExpertsPerLayer} experts, {trace.Chosen} chosen; --architecture must have as many, and it has {Layers} × {Experts.RoutedCount}, {Experts.ChosenCount} chosen."));
        }

        public int Slots(long ram, long reserve)
        {
            var needed = ResidentBytes + reserve + (Experts.ChosenCount * ExpertBytes);
            if (ram < needed)
                throw new ArgumentException($"--ram is {MemorySize.Format(ram)}; it must be {MemorySize.Format(needed)} or more: {MemorySize.Format(ResidentBytes)} of weights that are always used, --reserve, and the experts of one token in one layer.");
            return (int)Math.Min((long)Layers * Experts.RoutedCount, (ram - ResidentBytes - reserve) / ExpertBytes);
        }
    }
}
