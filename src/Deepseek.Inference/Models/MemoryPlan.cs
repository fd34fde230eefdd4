using System.Globalization;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Models;

/// <summary>What a process' memory is for while it runs a page store.</summary>
/// <param name="Budget">Bytes that it may hold.</param>
/// <param name="Runtime">Bytes of the runtime, libtorch and what is not counted one by one.</param>
/// <param name="Always">Bytes of weights that every token uses.</param>
/// <param name="Cache">Bytes for caches of the context.</param>
/// <param name="Passes">Bytes that passes compute in.</param>
/// <param name="ChunkTokens">Tokens of a prompt that pass at once.</param>
/// <param name="Slots">Experts that memory holds; null for all, which are then read when the model is loaded.</param>
internal sealed record MemoryPlan(long Budget, long Runtime, long Always, long Cache, long Passes, int ChunkTokens, int? Slots)
{
    /// <summary>Tokens of the context that <see cref="Cache"/> is for.</summary>
    public required int ContextTokens { get; init; }

    /// <summary>Tokens of the context that memory is set aside for where nothing was asked.</summary>
    public const int DefaultContext = 4096;

    // What the runtime takes after loading: code that is compiled, the collector's heap, buffers of a client.
    private const long Growth = 64L << 20;

    // What a process holds when it begins differs by some MiB from run to run: what a message says must do in the next one.
    internal const long Slack = 8L << 20;

    // Of the budget, for what passes compute in: a longer chunk reads experts less often for a prompt, a shorter one leaves room for more of them.
    private const int PassesShare = 32;
    private const int LeastChunk = 16;
    private const int LongestChunk = 8192;
    internal const int TorchChunk = 512;

    // Pieces of shards that pass through on their way to a device, and its driver's memory of the host.
    private const long DeviceStaging = 256L << 20;

    // What is left to others where no budget was given.
    private const int FreeShare = 8;
    private const long MostLeft = 2L << 30;

    /// <summary>Divides memory up.</summary>
    /// <param name="location">The store's folder, for messages.</param>
    /// <param name="layout">The store.</param>
    /// <param name="config">The model.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="held">Bytes that the process holds already.</param>
    /// <param name="free">Bytes that it may take beyond them.</param>
    /// <exception cref="MemoryBudgetException">The budget is too small.</exception>
    public static MemoryPlan Create(string location, StoreLayout layout, ModelConfig config, ModelOptions options, long held, long free)
    {
        var budget = options.Memory.RamBytes ?? Automatic(held, free);
        var experts = layout.Experts.Where(run => run.Layer < config.LayerCount || options.LoadMultiTokenPrediction).ToList();
        var slotBytes = experts.Select(run => (long)run.Record.Length).DefaultIfEmpty().Max();
        var onDevice = options.UsesDeviceTier; // which then holds all but experts
        var always = onDevice ? DeviceStaging + KeptBytes(layout, config, options) : AlwaysBytes(layout, options);
        var context = Math.Min(options.Memory.ContextTokens ?? DefaultContext, config.MaxPositions);
        var cache = onDevice ? 0 : PassMemory.OfCache(config, context, options.OnCpu ? sizeof(short) : sizeof(float));
        var runtime = held + Growth;
        var chunk = Chunk(config, options, budget);
        var passes = PassBytes(config, options, chunk);

        var left = budget - runtime - always - cache - passes;
        var whole = experts.Select(run => run.Shard).Distinct().Sum(shard => layout.Shards[shard].Length);
        if (options.Paging.Slots is { } chosen && experts.Count > 0)
            return Plan(chosen);
        if (whole <= left)
            return Plan(slots: null);

        var least = config.Experts?.ChosenCount ?? 0;
        if (least == 0 || left < least * slotBytes)
        {
            var smallest = options.OnCpu && options.ChunkSize is null ? LeastChunk : chunk;
            chunk = Math.Min(chunk, smallest);
            passes = PassBytes(config, options, chunk);
            left = budget - runtime - always - cache - passes;
            if (least == 0 || left < least * slotBytes)
                throw TooLittle(location, budget, options, runtime, always, cache, passes, least * slotBytes);
        }

        return Plan((int)Math.Min(left / slotBytes, experts.Sum(run => run.Count)));

        MemoryPlan Plan(int? slots) => new(budget, runtime, always, cache, passes, chunk, slots) { ContextTokens = context };
    }

    /// <summary>What a process may hold where nothing was asked: what it has, and most of what is free.</summary>
    public static long Automatic(long held, long free) => held + free - Math.Min(MostLeft, free / FreeShare);

    /// <summary>Refuses a checkpoint that the budget does not hold.</summary>
    /// <exception cref="MemoryBudgetException">It does not.</exception>
    public static void RequireWhole(string location, long bytes, ModelOptions options, long held)
    {
        if (options.Memory.RamBytes is not { } budget)
            return; // files are mapped: what is free decides the speed alone
        var needed = held + Growth + bytes;
        if (budget < needed)
        {
            throw new MemoryBudgetException(
                $"{location}: the budget is {MemorySize.Format(budget)}; the checkpoint has {MemorySize.Format(bytes)} of weights, and a checkpoint is not paged. Make a page store of it with deepseek convert, of which only a part need be in memory, or give --ram {MemorySize.Option(needed + Slack)}",
                budget, needed);
        }
    }

    /// <summary>Tokens of a prompt that pass at once where no plan says so.</summary>
    public static int Chunk(ModelConfig config, ModelOptions options, long budget)
    {
        if (options.ChunkSize is { } chosen)
            return chosen;
        return options.OnCpu ? (int)Math.Clamp(budget / PassesShare / PassMemory.OfToken(config), LeastChunk, LongestChunk) : TorchChunk;
    }

    private static long PassBytes(ModelConfig config, ModelOptions options, int chunk) => options.UsesDeviceTier
        ? 0
        : (chunk * PassMemory.OfToken(config)) + PassMemory.Fixed(config, chunk, PassMemory.Threads(options));

    /// <summary>Bytes of the shards that every token uses.</summary>
    internal static long AlwaysBytes(StoreLayout layout, ModelOptions options) => AlwaysShards(layout, options).Sum(shard => layout.Shards[shard].Length);

    /// <summary>Bytes that the host keeps where the weights lie on a device.</summary>
    internal static long KeptBytes(StoreLayout layout, ModelConfig config, ModelOptions options)
    {
        var shards = AlwaysShards(layout, options).ToHashSet();
        return layout.Tensors.Where(tensor => shards.Contains(tensor.Shard) && DeviceTier.IsKept(tensor, config)).Sum(tensor => tensor.Length);
    }

    /// <summary>The shards that every token uses.</summary>
    internal static IEnumerable<int> AlwaysShards(StoreLayout layout, ModelOptions options) =>
        layout.Tensors.Select(tensor => tensor.Shard).Distinct().Where(shard => layout.Shards[shard].File == StorePlan.ResidentFile || options.LoadMultiTokenPrediction);

    private static MemoryBudgetException TooLittle(string location, long budget, ModelOptions options, long runtime, long always, long cache, long passes, long experts)
    {
        var needed = runtime + always + cache + passes + experts;
        var given = options.Memory.RamBytes is null ? $"{MemorySize.Format(budget)} are free for the model" : $"the budget is {MemorySize.Format(budget)}";
        return new MemoryBudgetException(
            string.Create(CultureInfo.InvariantCulture, $"{location}: {given}; at least {MemorySize.Format(needed)} are needed: runtime {MemorySize.Format(runtime)}, weights that every token uses {MemorySize.Format(always)}, a cache for the context {MemorySize.Format(cache)}, passes {MemorySize.Format(passes)}, experts of one layer {MemorySize.Format(experts)}. {(options.Memory.RamBytes is null ? "Free memory, shorten the context" : "Shorten the context")} ({nameof(MemoryBudget)}.{nameof(MemoryBudget.ContextTokens)}), or set {nameof(MemoryBudget)}.{nameof(MemoryBudget.RamBytes)}: --ram {MemorySize.Option(needed + Slack)}"),
            budget, needed);
    }
}
