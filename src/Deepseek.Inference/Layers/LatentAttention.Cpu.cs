using Deepseek.Inference.Compute;

namespace Deepseek.Inference.Layers;

// On the CPU operations.
internal sealed partial class LatentAttention
{
    public bool Rounds(CpuEngine engine) => engine.Rounds(weights.QueryDown ?? weights.Query) || engine.Rounds(weights.KeyValueDown);

    public unsafe void Forward(CpuPass pass, int cacheLayer)
    {
        var (engine, tokens) = (pass.Engine, pass.Tokens);
        var (query, value, width) = (heads * (shape.NopeHeadSize + shape.RopeHeadSize), heads * shape.ValueHeadSize, shape.LatentRank + shape.RopeHeadSize);
        var queries = pass.Queries.Reserve(tokens * Math.Max(query, weights.QueryDown?.Rows ?? 0)); // compressed ones stand there first
        var compressed = pass.Keys.Reserve((long)tokens * width);
        engine.Products.Add(weights.KeyValueDown, engine.Normed, compressed, width);
        if (weights.QueryDown is null)
            engine.Products.Add(weights.Query, engine.Normed, queries, query);
        else
            Compress(pass, queries);
        engine.Products.Run();
        if (weights.QueryDown is not null)
        {
            engine.Rows.Norm(queries, pass.Compressed.Columns, weights.QueryNorm!.Weight, weights.QueryNorm.Epsilon, pass.Compressed);
            engine.Products.Add(weights.Query, pass.Compressed, queries, query);
            engine.Products.Run();
        }

        engine.Seen.Reserve(tokens, value, engine.Rounds(weights.Output));
        engine.Latent.Run(
            new LatentShape(heads, shape.LatentRank, shape.NopeHeadSize, shape.RopeHeadSize, shape.ValueHeadSize, (float)_scale),
            new LatentRows(queries, compressed, weights.LatentNorm.Weight, weights.LatentNorm.Epsilon, engine.Seen.Start),
            weights.KeyValueUp, pass.Segments, cacheLayer);
        engine.Rows.Round(engine.Seen);
        engine.Products.Add(weights.Output, engine.Seen, pass.Output, pass.Hidden);
        engine.Products.Run();
    }

    private unsafe void Compress(CpuPass pass, float* queries)
    {
        var rank = (int)weights.QueryDown!.Rows;
        pass.Compressed.Reserve(pass.Tokens, rank, pass.Engine.Rounds(weights.Query));
        pass.Engine.Products.Add(weights.QueryDown, pass.Engine.Normed, queries, rank);
    }
}
