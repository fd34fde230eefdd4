using System.Globalization;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Models;

/// <summary>What a device's memory is for while it runs a page store.</summary>
/// <param name="Budget">Bytes that the model may take there.</param>
/// <param name="Runtime">Bytes that the device's runtime takes beside them.</param>
/// <param name="Always">Bytes of weights that every token uses.</param>
/// <param name="Cache">Bytes for caches of the context.</param>
/// <param name="Working">Bytes that passes compute in.</param>
/// <param name="Slots">Experts that the rest holds.</param>
/// <param name="Least">Slots without which nothing can be computed as planned: a layer's chosen experts.</param>
/// <param name="SlotBytes">Bytes of a slot.</param>
internal sealed record DeviceMemoryPlan(long Budget, long Runtime, long Always, long Cache, long Working, int Slots, int Least, long SlotBytes)
{
    // The context of CUDA, libtorch's kernels and cuBLAS' workspaces: unverified, since nothing here has run on a GPU.
    private const long CudaRuntime = 768L << 20;

    // What is left to others where no budget was given: a screen, a browser.
    private const int FreeShare = 16;
    private const long MostLeft = 1L << 30;

    // Bytes for each weight of a tile while it is decoded: fp32, a number for the table, codes and nibbles.
    private const int DecodedBytes = 12;

    private const long Single = sizeof(float);
    private const long MostScores = 256L << 20; // TorchAttention goes through queries in runs of so many bytes
    private const int ScoreBuffers = 3;

    /// <summary>The most memory of the device that the model will take.</summary>
    public long Peak => PeakWith(Slots);

    /// <summary>The same as it is shown.</summary>
    public DeviceStatistics Statistics => new() { BudgetBytes = Budget, RuntimeBytes = Runtime, AlwaysUsedBytes = Always, CacheBytes = Cache, WorkingBytes = Working };

    /// <summary>Divides a device's memory up.</summary>
    /// <param name="location">The store's folder, for messages.</param>
    /// <param name="layout">The store.</param>
    /// <param name="config">The model.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="free">Bytes that the device has free; null where it does not tell.</param>
    /// <exception cref="MemoryBudgetException">The budget is too small, or neither it nor the free memory is known.</exception>
    public static DeviceMemoryPlan Create(string location, StoreLayout layout, ModelConfig config, ModelOptions options, long? free)
    {
        var experts = layout.Experts.Where(run => run.Layer < config.LayerCount || options.LoadMultiTokenPrediction).ToList();
        var slotBytes = experts.Select(run => (long)run.Record.Length).DefaultIfEmpty().Max();
        var context = Math.Min(options.Memory.ContextTokens ?? MemoryPlan.DefaultContext, config.MaxPositions);
        var least = Math.Min(config.Experts?.ChosenCount ?? 0, experts.Sum(run => run.Count));
        var plan = new DeviceMemoryPlan(
            Budget: options.Memory.VramBytes ?? (free is { } bytes ? bytes - Math.Min(MostLeft, bytes / FreeShare) : 0),
            Runtime: options.Device == "cpu" ? 0 : CudaRuntime,
            Always: MemoryPlan.AlwaysBytes(layout, options) - MemoryPlan.KeptBytes(layout, config, options),
            Cache: PassMemory.OfCache(config, context, sizeof(float)),
            Working: WorkingBytes(layout, config, options, context),
            Slots: least, least, slotBytes);
        if (options.Paging.DeviceSlots is { } chosen)
            return plan with { Slots = chosen, Least = Math.Min(chosen, least) };
        if (plan.Peak > plan.Budget)
        {
            var given = (options.Memory.VramBytes, free) switch
            {
                ({ } budget, _) => $"the device's budget is {MemorySize.Format(budget)}",
                (_, null) => "the device does not tell what it has free",
                _ => $"{MemorySize.Format(plan.Budget)} of the device are free for the model",
            };
            throw plan.TooLittle(location, given);
        }

        return slotBytes == 0 ? plan : plan with { Slots = (int)Math.Min((plan.Budget - plan.PeakWith(0)) / slotBytes, experts.Sum(run => run.Count)) };
    }

    /// <summary>The refusal, with what would do.</summary>
    public MemoryBudgetException TooLittle(string location, string given)
    {
        var needed = PeakWith(Least);
        return new MemoryBudgetException(
            string.Create(CultureInfo.InvariantCulture, $"{location}: {given}; at least {MemorySize.Format(needed)} are needed: runtime {MemorySize.Format(Runtime)}, weights that every token uses {MemorySize.Format(Always)}, a cache for the context {MemorySize.Format(Cache)}, passes {MemorySize.Format(Working)}, experts of one layer {MemorySize.Format(Least * SlotBytes)}. Free memory of the device, shorten the context ({nameof(MemoryBudget)}.{nameof(MemoryBudget.ContextTokens)}), or set {nameof(MemoryBudget)}.{nameof(MemoryBudget.VramBytes)}: --vram {MemorySize.Option(needed + MemoryPlan.Slack)}"),
            Budget, needed);
    }

    private long PeakWith(int slots) => Runtime + Always + Cache + Working + (slots * SlotBytes);

    /// <summary>An estimate from the shapes, on the safe side: a chunk's activations, scores, and matrices that are decoded.</summary>
    private static long WorkingBytes(StoreLayout layout, ModelConfig config, ModelOptions options, int context)
    {
        var chunk = options.ChunkSize ?? MemoryPlan.TorchChunk;
        var scores = Math.Min(MostScores, (long)config.HeadCount * chunk * (context + chunk) * Single);
        var largest = layout.Tensors.Where(tensor => tensor.Precision is not null).Select(tensor => (long)tensor.Layout.Rows * tensor.Layout.Columns).DefaultIfEmpty().Max();
        var tile = Math.Min(largest, TorchOperations.DeviceTileElements);
        // The absorbed form multiplies by the whole of kv_b_proj, which is decoded while another tile may not have been freed yet.
        var whole = config.LatentAttention is { } latent ? (long)config.HeadCount * (latent.NopeHeadSize + latent.ValueHeadSize) * latent.LatentRank : 0;
        return (chunk * PassMemory.OfToken(config)) + (ScoreBuffers * scores) + ((tile + whole) * DecodedBytes) + (2L * config.VocabularySize * Single);
    }
}
