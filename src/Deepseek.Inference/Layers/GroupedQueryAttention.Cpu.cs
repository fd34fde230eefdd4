using Deepseek.Inference.Compute;
using Deepseek.Inference.Diagnostics;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

// On the CPU operations.
internal sealed partial class GroupedQueryAttention
{
    public bool Rounds(CpuEngine engine) => engine.Rounds(weights.Query) || engine.Rounds(weights.Key) || engine.Rounds(weights.Value);

    public unsafe void Forward(CpuPass pass, int cacheLayer)
    {
        var (engine, tokens) = (pass.Engine, pass.Tokens);
        var (query, key) = (heads * headSize, keyValueHeads * headSize);
        var queries = pass.Queries.Reserve((long)tokens * query);
        var cached = pass.Keys.Reserve(2L * tokens * key);
        engine.Products.Add(weights.Query, engine.Normed, queries, query, Bias(weights.QueryBias));
        engine.Products.Add(weights.Key, engine.Normed, cached, 2L * key, Bias(weights.KeyBias));
        engine.Products.Add(weights.Value, engine.Normed, cached + key, 2L * key, Bias(weights.ValueBias));
        engine.Products.Run();

        engine.Seen.Reserve(tokens, query, engine.Rounds(weights.Output));
        engine.Grouped.Run(heads, keyValueHeads, headSize, (float)_scale, queries, cached, engine.Seen.Start, pass.Segments, cacheLayer);
        engine.Rows.Round(engine.Seen);
        engine.Products.Add(weights.Output, engine.Seen, pass.Output, pass.Hidden);
        engine.Products.Run();
    }

    private static unsafe float* Bias(Tensor? bias) => bias is null ? null : (float*)bias.Address();
}
