namespace Deepseek.Inference.Sampling;

/// <summary>The best tokens of a row, by a bounded heap: O(V) for the few that are usually asked for, O(V log k) at worst.</summary>
internal static class BestTokens
{
    /// <summary>Selects the tokens of the greatest logits; among equal ones the lower ids.</summary>
    /// <param name="logits">The row, <c>[V]</c>, without NaN; removed tokens are never selected.</param>
    /// <param name="heap">Receives the keys (see <see cref="RankedToken"/>) as a heap whose first element is the worst selected; its length is how many are asked for.</param>
    /// <returns>How many were selected: fewer than asked for when fewer are left.</returns>
    public static int Select(ReadOnlySpan<float> logits, Span<ulong> heap)
    {
        var count = 0;
        var worst = float.NegativeInfinity;
        for (var id = 0; id < logits.Length; id++)
        {
            // Ids ascend, so an equal logit met later ranks lower; while the heap has room, −∞ keeps removed tokens out.
            if (logits[id] <= worst)
                continue;
            if (count < heap.Length)
            {
                Push(heap[..++count], RankedToken.Key(logits[id], id));
                if (count < heap.Length)
                    continue;
            }
            else
            {
                ReplaceWorst(heap, RankedToken.Key(logits[id], id));
            }

            worst = logits[RankedToken.Id(heap[0])];
        }

        return count;
    }

    private static void Push(Span<ulong> heap, ulong key)
    {
        var child = heap.Length - 1;
        while (child > 0)
        {
            var parent = (child - 1) / 2;
            if (heap[parent] >= key)
                break;
            heap[child] = heap[parent];
            child = parent;
        }

        heap[child] = key;
    }

    private static void ReplaceWorst(Span<ulong> heap, ulong key)
    {
        var parent = 0;
        for (var child = 1; child < heap.Length; child = (2 * parent) + 1)
        {
            if (child + 1 < heap.Length && heap[child + 1] > heap[child])
                child++;
            if (heap[child] <= key)
                break;
            heap[parent] = heap[child];
            parent = child;
        }

        heap[parent] = key;
    }
}
