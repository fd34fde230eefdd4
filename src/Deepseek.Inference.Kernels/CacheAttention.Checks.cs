using System.Globalization;

namespace Deepseek.Inference.Kernels;

// What arguments must be.
internal sealed unsafe partial class CacheAttention
{
    private static void Require(AttentionShape shape, CachedRows cache)
    {
        if (shape.Groups < 1 || shape.HeadsPerGroup < 1 || shape.KeyWidth < 1 || shape.ValueWidth < 1 || shape.KeyOffset < 0 || shape.ValueOffset < 0)
            throw new ArgumentException(Invariant($"The shape is {shape}; its counts and widths must be at least 1, its offsets at least 0."), nameof(shape));
        if (!Enum.IsDefined(cache.Format))
            throw new ArgumentException(Invariant($"The cache's format is {(int)cache.Format}, which is none."), nameof(cache));
        if (cache.Start is null)
            throw new ArgumentNullException(nameof(cache), "The cache's start is null; it must be the row of position 0.");
        if (cache.Stride < shape.RowWidth)
            throw new ArgumentException(Invariant($"The cache's stride is {cache.Stride} elements; it must be at least {shape.RowWidth}, where the shape's last key or value ends."), nameof(cache));
        if (cache.Format == CacheFormat.Int16)
            RequireLatent(shape, cache);
    }

    private static void RequireLatent(AttentionShape shape, CachedRows cache)
    {
        if (cache.Scales is null)
            throw new ArgumentNullException(nameof(cache), "The cache's scales are null; rows of whole numbers have two each.");
        if (shape.Groups != 1 || shape.KeyOffset != 0 || shape.ValueOffset != 0 || shape.KeyWidth <= shape.ValueWidth)
            throw new ArgumentException(Invariant($"The shape is {shape}; a cache of whole numbers serves latent attention alone: one group, whose value is the first part of its key."), nameof(shape));
    }

    private static void Require(AttentionShape shape, int firstPosition, int tokens, float* queries, long queryStride, AttentionWindow window, float* output, long outputStride)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        if ((long)firstPosition + tokens > int.MaxValue - AttentionCall.SplitPositions || (long)tokens * shape.Heads > int.MaxValue / 2)
            throw new ArgumentOutOfRangeException(nameof(tokens), tokens, Invariant($"Tokens from position {firstPosition} on with {shape.Heads} heads each are more than can be counted."));
        if (tokens > 1 && queryStride < (long)shape.Heads * shape.KeyWidth)
            throw new ArgumentOutOfRangeException(nameof(queryStride), queryStride, Invariant($"A token has {shape.Heads} queries of {shape.KeyWidth} elements; the next token's must begin after them."));
        if (tokens > 1 && outputStride < (long)shape.Heads * shape.ValueWidth)
            throw new ArgumentOutOfRangeException(nameof(outputStride), outputStride, Invariant($"A token has {shape.Heads} outputs of {shape.ValueWidth} elements; the next token's must begin after them."));
        if (window.Recent < 1 || window.Sink < 0)
            throw new ArgumentOutOfRangeException(nameof(window), window, "A query sees at least 1 recent position, its own, and 0 or more first ones.");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
