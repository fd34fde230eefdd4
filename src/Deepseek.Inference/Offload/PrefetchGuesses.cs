using Deepseek.Inference.Store;

namespace Deepseek.Inference.Offload;

/// <summary>Guesses, for the layer after the one that computes, which experts it will want: right with a given probability, otherwise any other expert of that layer.</summary>
internal sealed class PrefetchGuesses(RoutingTrace trace, double accuracy, long seed)
{
    private const int RecentTokens = 2; // what they used keeps its place

    private SyntheticRandom _random = new(seed, "prefetch");

    /// <summary>Lets a cache read what is guessed while a visit's layer computes; returns how many experts it read.</summary>
    public int Read(SimulatedCache cache, int visit)
    {
        var (token, layer) = ((visit + 1) / trace.Layers, (visit + 1) % trace.Layers);
        if (token == trace.Tokens)
            return 0;

        var reads = 0;
        var right = trace.Experts(token, layer);
        foreach (var expert in right)
        {
            var guess = NextDouble() < accuracy || right.Length == trace.ExpertsPerLayer ? expert : Wrong(right);
            if (cache.Prefetch((layer * trace.ExpertsPerLayer) + guess, visit, visit - (RecentTokens * trace.Layers)))
                reads++;
        }

        return reads;
    }

    private int Wrong(ReadOnlySpan<ushort> right)
    {
        while (true)
        {
            var guess = (ushort)_random.Below(trace.ExpertsPerLayer);
            if (!right.Contains(guess))
                return guess;
        }
    }

    private double NextDouble() => (_random.Next() >> 11) * (1.0 / (1UL << 53));
}
