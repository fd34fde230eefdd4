using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>The words that all workers of a team write, each with two cache lines to itself: processors fetch lines in pairs.</summary>
[StructLayout(LayoutKind.Explicit, Size = 4 * Pair)]
internal struct TeamCounters
{
    private const int Pair = 128;

    /// <summary>In the high half items that nobody has claimed, 0 or less when there are none; in the low half those that were claimed from the front. So one addition claims, from either end.</summary>
    [FieldOffset(Pair)]
    public long Claims;

    /// <summary>Items done or dropped less the items of the run: it is over at 0.</summary>
    [FieldOffset(2 * Pair)]
    public long Balance;

    /// <summary>Members that are asleep or about to be.</summary>
    [FieldOffset(3 * Pair)]
    public int Asleep;
}
