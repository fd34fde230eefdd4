namespace Deepseek.Inference.Offload;

/// <summary>Belady's rule: the expert whose next use is farthest leaves. It needs to know the future, and bounds what any cache can do.</summary>
/// <remarks>A layer's experts of a token are demanded together and must be in memory together; the exchange argument for single pages holds for such groups as well.</remarks>
internal static class OptimalEviction
{
    /// <summary>Counts the misses of the tokens after the warm-up.</summary>
    public static long Misses(RoutingTrace trace, int slots, int warmUp, CancellationToken cancellationToken)
    {
        var next = NextUses(trace);
        var current = new int[trace.Layers * trace.ExpertsPerLayer]; // when an expert in memory is used next; −1 for one that is not in memory
        Array.Fill(current, -1);
        PriorityQueue<int, int> farthest = new(); // experts by −(next use); entries that no longer hold are passed over
        var (count, misses, place) = (0, 0L, 0);
        for (var token = 0; token < trace.Tokens; token++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (var layer = 0; layer < trace.Layers; layer++)
            {
                var group = trace.Experts(token, layer);
                foreach (var index in group)
                {
                    if (current[(layer * trace.ExpertsPerLayer) + index] >= 0)
                        continue;
                    misses += token >= warmUp ? 1 : 0;
                    count++;
                }

                // None of the group leaves: an entry of one that is in memory says now, which is nearest, and those that come have no entry yet.
                for (; count > slots; count--)
                    current[Farthest(farthest, current)] = -1;
                foreach (var index in group)
                {
                    var expert = (layer * trace.ExpertsPerLayer) + index;
                    current[expert] = next[place++];
                    farthest.Enqueue(expert, -current[expert]);
                }
            }
        }

        return misses;
    }

    private static int Farthest(PriorityQueue<int, int> farthest, int[] current)
    {
        while (true)
        {
            _ = farthest.TryDequeue(out var expert, out var use);
            if (current[expert] == -use)
                return expert;
        }
    }

    /// <summary>Of every use of an expert, the visit of a layer that uses it next: [T, L, K]. Visits are counted through all tokens; where there is none, the farthest that can be.</summary>
    private static int[] NextUses(RoutingTrace trace)
    {
        var next = new int[trace.Tokens * trace.Shape.Choices];
        var upcoming = new int[trace.Layers * trace.ExpertsPerLayer];
        Array.Fill(upcoming, int.MaxValue);
        for (var token = trace.Tokens - 1; token >= 0; token--)
        {
            for (var layer = trace.Layers - 1; layer >= 0; layer--)
            {
                var group = trace.Experts(token, layer);
                for (var i = 0; i < group.Length; i++)
                {
                    ref var use = ref upcoming[(layer * trace.ExpertsPerLayer) + group[i]];
                    next[(token * trace.Shape.Choices) + (layer * trace.Chosen) + i] = use;
                    use = (token * trace.Layers) + layer;
                }
            }
        }

        return next;
    }
}
