using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Sums parts of memory: as little work a byte as can be, so that memory alone decides how long it takes.</summary>
/// <param name="path">The instruction set.</param>
/// <param name="start">The first part.</param>
/// <param name="ahead">How far ahead of its reads a worker asks for lines, in bytes; 0 leaves that to the processor.</param>
/// <param name="workers">Workers of the team.</param>
internal sealed unsafe class MemoryReading(KernelPath path, byte* start, int ahead, int workers) : TeamWork
{
    /// <summary>A distance at which lines are there when they are needed, and not yet thrown out.</summary>
    public const int Ahead = 4096;

    private const int Apart = 16; // sums of two workers never share a line

    // Kept, so that no compiler may find the reading useless.
    private readonly long[] _sums = new long[workers * Apart];

    /// <summary>The part that item 0 is. Default 0.</summary>
    public int First { get; set; }

    public override void Run(int item, int worker)
    {
        var from = start + ((long)(First + item) * MachineProbes.PartBytes);
        _sums[worker * Apart] += path switch
        {
            >= KernelPath.Avx512 => Sum<Vector512<long>, Add512>(from, ahead),
            KernelPath.Avx2 => Sum<Vector256<long>, Add256>(from, ahead),
            KernelPath.Vector128 => Sum<Vector128<long>, Add128>(from, ahead),
            _ => Sum<long, Add>(from, ahead),
        };
    }

    /// <summary>Eight independent sums: none waits for the one before. Compiled well at once: it must not be timed in a slower form.</summary>
    [MethodImpl(HotLoop.Options)]
    private static long Sum<T, TAdd>(byte* from, int ahead)
        where T : unmanaged
        where TAdd : struct, IAddition<T>
    {
        var step = 8 * sizeof(T);
        T a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
        for (var at = (T*)from; at < from + MachineProbes.PartBytes; at += 8)
        {
            if (ahead > 0)
            {
                for (var line = 0; line < step; line += BandLayout.LineBytes)
                    Sse.Prefetch0((byte*)at + ahead + line);
            }

            a = TAdd.Of(a, at[0]);
            b = TAdd.Of(b, at[1]);
            c = TAdd.Of(c, at[2]);
            d = TAdd.Of(d, at[3]);
            e = TAdd.Of(e, at[4]);
            f = TAdd.Of(f, at[5]);
            g = TAdd.Of(g, at[6]);
            h = TAdd.Of(h, at[7]);
        }

        var sum = TAdd.Of(TAdd.Of(TAdd.Of(a, b), TAdd.Of(c, d)), TAdd.Of(TAdd.Of(e, f), TAdd.Of(g, h)));
        return *(long*)&sum;
    }

    private interface IAddition<T>
    {
        static abstract T Of(T first, T second);
    }

    private readonly struct Add512 : IAddition<Vector512<long>>
    {
        public static Vector512<long> Of(Vector512<long> first, Vector512<long> second) => first + second;
    }

    private readonly struct Add256 : IAddition<Vector256<long>>
    {
        public static Vector256<long> Of(Vector256<long> first, Vector256<long> second) => first + second;
    }

    private readonly struct Add128 : IAddition<Vector128<long>>
    {
        public static Vector128<long> Of(Vector128<long> first, Vector128<long> second) => first + second;
    }

    private readonly struct Add : IAddition<long>
    {
        public static long Of(long first, long second) => unchecked(first + second);
    }
}
