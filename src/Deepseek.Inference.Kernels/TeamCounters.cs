using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>The words that all workers of a team write, each with two cache lines to itself: processors fetch lines in pairs.</summary>
[StructLayout(LayoutKind.Explicit, Size = 4 * Pair)]
internal struct TeamCounters
{
    private const int Pair = 128;

    /// <summary>
    /// In the high half items that nobody has claimed, 0 or less when there are none; in the low half, as long as there are some, those that were claimed from the front. So one addition claims, from either end. Who
    /// comes too late adds to the low half, too, but far less than would carry: a claim is at most a quarter of a worker's share.
    /// </summary>
    [FieldOffset(Pair)]
    public long Claims;

    /// <summary>Items done or dropped less the items of the run: it is over at 0.</summary>
    [FieldOffset(2 * Pair)]
    public long Balance;

    /// <summary>Members that are asleep or about to be.</summary>
    [FieldOffset(3 * Pair)]
    public int Asleep;
}
