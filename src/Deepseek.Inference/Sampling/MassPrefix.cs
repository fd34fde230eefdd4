using System.Numerics;

namespace Deepseek.Inference.Sampling;

/// <summary>Finds the shortest run of best tokens that holds a given share of the probability, by selection instead of sorting.</summary>
internal static class MassPrefix
{
    private const int SortedDirectly = 32;

    /// <summary>Moves the shortest prefix of the sorted order whose weights reach <paramref name="mass"/> to the front of <paramref name="keys"/>.</summary>
    /// <param name="keys">Keys of <see cref="RankedToken"/>, all different; reordered.</param>
    /// <param name="weights">Weight of every token by id, none negative.</param>
    /// <param name="mass">The weight to reach.</param>
    /// <returns>The length of the prefix: at least 1 unless there is no key, and all keys when their weights fall short.</returns>
    /// <remarks>
    /// Quickselect (Hoare, "Algorithm 65: Find", CACM 1961) that goes left or right by weight instead of by count: O(n) on
    /// average. After 2 log₂ n rounds the rest is sorted, so that no row costs more than O(n log n).
    /// </remarks>
    public static int Move(Span<ulong> keys, ReadOnlySpan<double> weights, double mass)
    {
        var (low, high) = (0, keys.Length);
        var before = 0.0; // weight of keys[..low], all of which belong to the prefix
        for (var rounds = 2 * BitOperations.Log2((uint)keys.Length + 1); high - low > SortedDirectly && rounds > 0; rounds--)
        {
            // The median of three different keys has one below and one above: both sides shrink.
            var pivot = Median(keys[low], keys[low + ((high - low) / 2)], keys[high - 1]);
            var (middle, left) = (low, 0.0);
            for (var i = low; i < high; i++)
            {
                var key = keys[i];
                if (key >= pivot)
                    continue;
                left += weights[RankedToken.Id(key)];
                (keys[i], keys[middle]) = (keys[middle], key);
                middle++;
            }

            if (before + left >= mass)
            {
                high = middle;
            }
            else
            {
                before += left;
                low = middle;
            }
        }

        keys[low..high].Sort();
        for (var i = low; i < high; i++)
        {
            before += weights[RankedToken.Id(keys[i])];
            if (before >= mass)
                return i + 1;
        }

        return high;
    }

    private static ulong Median(ulong a, ulong b, ulong c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
