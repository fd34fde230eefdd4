using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>How many bytes of a store every token uses, and how many lie in experts; without multi-token prediction.</summary>
/// <param name="Bytes">Bytes of all shards, multi-token prediction among them where the store has it.</param>
/// <param name="EmbeddingBytes">The embedding, of which a token reads one row; 0 where it is the head as well.</param>
/// <param name="ProductBytes">What every token reads as whole numbers of 4 and 8 bits: the fast kernels multiply them where they lie.</param>
/// <param name="WidenedBytes">What every token reads and first widens, to 16 bits or fp32: <c>kv_b_proj</c>, routers, norms, and matrices in other precisions. Forecasts take the speed of <c>kv_b_proj</c> for all of it.</param>
/// <param name="ExpertCount">Routed experts of all layers.</param>
/// <param name="ExpertBytes">Bytes of one expert's record; 0 where there are none.</param>
/// <param name="ChosenCount">Routed experts that a token uses, over all layers.</param>
/// <param name="ChosenPerLayer">Routed experts that a token uses in a layer.</param>
public sealed record StoreFootprint(
    long Bytes, long EmbeddingBytes, long ProductBytes, long WidenedBytes, long ExpertCount, long ExpertBytes, long ChosenCount, int ChosenPerLayer)
{
    /// <summary>What stays in memory whatever the token: all but routed experts.</summary>
    public long AlwaysUsedBytes => EmbeddingBytes + AlwaysReadBytes;

    /// <summary>What every token reads beside routed experts.</summary>
    public long AlwaysReadBytes => ProductBytes + WidenedBytes;

    /// <summary>All routed experts.</summary>
    public long AllExpertBytes => ExpertCount * ExpertBytes;

    /// <summary>The routed experts that a token reads.</summary>
    public long ChosenBytes => ChosenCount * ExpertBytes;

    /// <summary>Counts the bytes of a layout.</summary>
    internal static StoreFootprint Of(StoreLayout layout, ModelConfig config)
    {
        var parts = TensorCatalog.Of(config).Where(tensor => tensor.Part != TensorPart.RoutedExperts).ToDictionary(tensor => tensor.Name, tensor => tensor.Part);
        long embedding = 0, product = 0, widened = 0;
        foreach (var tensor in layout.Tensors.Where(tensor => layout.Shards[tensor.Shard].File == StorePlan.ResidentFile))
        {
            var part = parts[tensor.Name];
            if (part == TensorPart.Embedding && !config.TieWordEmbeddings)
                embedding += tensor.Length;
            else if (part != TensorPart.LatentUp && tensor.Precision is { } precision && BandProducts.Supports(precision.Layout()))
                product += tensor.Length;
            else
                widened += tensor.Length;
        }

        var runs = layout.Experts.Where(run => run.Layer < config.LayerCount).ToList();
        var layers = runs.Select(run => run.Layer).Distinct().Count();
        var chosen = config.Experts?.ChosenCount ?? 0;
        return new StoreFootprint(
            layout.ByteLength, embedding, product, widened, runs.Sum(run => (long)run.Count), runs is [var first, ..] ? first.Record.Length : 0, (long)layers * chosen, layers > 0 ? chosen : 0);
    }
}
