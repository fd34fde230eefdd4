using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Constants in memory outside the managed heap, at multiples of 64, for as long as the process runs.</summary>
internal static unsafe class KeptMemory
{
    /// <summary>A copy of values.</summary>
    public static T* Of<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var kept = (T*)NativeMemory.AlignedAlloc((nuint)values.Length * (nuint)sizeof(T), BandLayout.LineBytes);
        values.CopyTo(new Span<T>(kept, values.Length));
        return kept;
    }

    /// <summary>So many zeros.</summary>
    public static float* Zeros(int count) => Of<float>(new float[count]);
}
