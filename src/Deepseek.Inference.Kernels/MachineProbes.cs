using System.Diagnostics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Measures what bounds the kernels on this machine: how fast memory is read, and how fast numbers are multiplied.</summary>
/// <remarks>Every figure is the best of several short repetitions: what the machine can do, not what others left of it. Work is shared out in small items, as the kernels share out theirs.</remarks>
internal static unsafe class MachineProbes
{
    /// <summary>Bytes of an item that reads memory; memory is measured in whole ones.</summary>
    public const int PartBytes = 1 << 20;

    // Short enough to be run before and after anything, long enough for a clock that takes 0.1 s to rise.
    private static readonly TimeSpan ReadingTime = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan ArithmeticTime = TimeSpan.FromMilliseconds(200);

    // Two seconds: processors were seen to share a core for as long.
    private const int MostAttempts = 10;

    /// <summary>The speed of reading memory, GB/s (10⁹ bytes).</summary>
    /// <param name="team">Who reads.</param>
    /// <param name="path">The instruction set, one that is available.</param>
    /// <param name="bytes">How much is read over and over, 1 MiB or more, rounded down to whole MiB; it must be far beyond the caches.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are too few bytes.</exception>
    public static double MemoryBandwidth(ThreadTeam team, KernelPath path, long bytes)
    {
        ArgumentNullException.ThrowIfNull(team);
        if (bytes < PartBytes)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, $"Memory is read in parts of {PartBytes} bytes; there must be one at least.");

        var parts = checked((int)(bytes / PartBytes));
        using var memory = new WeightMemory((long)parts * PartBytes);
        team.Run(parts, new MemoryTouching(memory.Start));
        int[] distances = Sse.IsSupported ? [0, MemoryReading.Ahead] : [0];
        return distances.Max(ahead => Bandwidth(team, new MemoryReading(path, memory.Start, ahead, team.Threads), parts));
    }

    /// <summary>The peak of whole-number multiply-adds, GOP/s (10⁹ operations; a multiply-add is two), by the instructions that products use.</summary>
    /// <param name="team">Who computes.</param>
    /// <param name="path">The instruction set, one that is available.</param>
    /// <param name="activations">The width: 16 bits, or 8.</param>
    /// <exception cref="ArgumentOutOfRangeException">The activations are no whole numbers.</exception>
    public static double IntegerPeak(ThreadTeam team, KernelPath path, ActivationPrecision activations)
    {
        ArgumentNullException.ThrowIfNull(team);
        return Peak(team, activations switch
        {
            ActivationPrecision.Int16 => ArithmeticRounds.OfInt16(path, team.Threads),
            ActivationPrecision.Int8 => ArithmeticRounds.OfInt8(path, team.Threads),
            _ => throw new ArgumentOutOfRangeException(nameof(activations), activations, "Whole numbers are Int16 or Int8."),
        });
    }

    /// <summary>The peak of multiply-adds in single precision, GFLOP/s (10⁹ operations; a multiply-add is two).</summary>
    /// <param name="team">Who computes.</param>
    /// <param name="path">The instruction set, one that is available.</param>
    public static double FloatPeak(ThreadTeam team, KernelPath path)
    {
        ArgumentNullException.ThrowIfNull(team);
        return Peak(team, ArithmeticRounds.OfFp32(path, team.Threads));
    }

    /// <summary>The best of several orders of the same arithmetic.</summary>
    private static double Peak(ThreadTeam team, ArithmeticRounds[] orders) => orders.Max(rounds => Peak(team, rounds));

    private static double Peak(ThreadTeam team, ArithmeticRounds rounds)
    {
        const int itemsPerThread = 4; // about a millisecond: shorter than what the system gives a thread before another has its turn
        var items = itemsPerThread * team.Threads;
        var alone = BestSeconds(ArithmeticTime / 10, _ => rounds.Run(0, 0));
        var seconds = Together();
        for (var attempt = 1; attempt < MostAttempts && ShareCores(team.Threads, items * alone / seconds); attempt++)
            seconds = Math.Min(seconds, Together());
        return items * rounds.OperationsPerItem / seconds / 1e9;

        double Together() => BestSeconds(ArithmeticTime, _ => team.Run(items, rounds));
    }

    /// <summary>Whether threads seem to share cores, as the processors of a virtual machine may for a second or two: then they are hardly faster than one of them.</summary>
    /// <param name="threads">Threads.</param>
    /// <param name="speedup">How many times as fast as one they are.</param>
    internal static bool ShareCores(int threads, double speedup) => threads > 1 && speedup < 1 + (0.2 * (threads - 1));

    /// <summary>The best of pieces of some milliseconds, taken in turn: when one comes again, no cache has it any more.</summary>
    private static double Bandwidth(ThreadTeam team, MemoryReading reading, int parts)
    {
        const int pieceParts = 64;
        var piece = Math.Min(pieceParts, parts);
        var pieces = parts / piece;
        var seconds = BestSeconds(ReadingTime, round =>
        {
            reading.First = round % pieces * piece;
            team.Run(piece, reading);
        });
        return (double)piece * PartBytes / seconds / 1e9;
    }

    private static double BestSeconds(TimeSpan time, Action<int> round)
    {
        var (best, begin) = (double.MaxValue, Stopwatch.GetTimestamp());
        for (var i = 0; i == 0 || Stopwatch.GetElapsedTime(begin) < time; i++)
        {
            var start = Stopwatch.GetTimestamp();
            round(i);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return Math.Max(best, 1.0 / Stopwatch.Frequency);
    }
}
