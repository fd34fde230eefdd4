using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Planning;

/// <summary>What a machine can do at most, measured: against this every speed is held.</summary>
/// <remarks>Figures of one machine say nothing about another, nor those of a quiet hour about a busy one: measure where and when they are used.</remarks>
public sealed record HardwareProfile
{
    private const int MaxThreads = 256;
    private const long ReadBytes = 1L << 30; // beyond every cache

    /// <summary>Threads that measured, and that will compute.</summary>
    public required int Threads { get; init; }

    /// <summary>The instruction set of the kernels.</summary>
    public required KernelPath KernelPath { get; init; }

    /// <summary>The processor as it calls itself, or its architecture.</summary>
    public required string Processor { get; init; }

    /// <summary>Bytes of memory that the process may use.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The speed of reading memory, GB/s (10⁹ bytes).</summary>
    public required double MemoryGigabytesPerSecond { get; init; }

    /// <summary>The peak of multiply-adds of 16-bit whole numbers, GOP/s (10⁹ operations; a multiply-add is two).</summary>
    public required double Int16Gops { get; init; }

    /// <summary>The peak of multiply-adds of 8-bit whole numbers, GOP/s.</summary>
    public required double Int8Gops { get; init; }

    /// <summary>The peak of multiply-adds in single precision, GFLOP/s (10⁹ operations).</summary>
    public required double Fp32Gflops { get; init; }

    /// <summary>The arithmetic peak for activations of a precision, 10⁹ operations a second.</summary>
    /// <param name="activations">What activations are rounded to.</param>
    public double Peak(ActivationPrecision activations) => activations switch
    {
        ActivationPrecision.Int16 => Int16Gops,
        ActivationPrecision.Int8 => Int8Gops,
        _ => Fp32Gflops,
    };

    /// <summary>Measures this machine; it takes about two seconds and, for that time, up to 1 GiB.</summary>
    /// <param name="threads">Threads, 1 to 256; null for one a processor.</param>
    /// <param name="cancellationToken">Ends it between two measurements.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The environment variable that forces the kernels' instruction set names one that this machine lacks.</exception>
    public static HardwareProfile Measure(int? threads = null, CancellationToken cancellationToken = default)
    {
        if (threads is < 1 or > MaxThreads)
            throw new ArgumentOutOfRangeException(nameof(threads), threads, $"There must be 1 to {MaxThreads} threads, one for each processor that may compute.");
        var path = KernelPaths.Selected;
        using var team = new ThreadTeam(threads ?? Math.Min(MaxThreads, Environment.ProcessorCount));

        var memory = Step(() => MachineProbes.MemoryBandwidth(team, path, SystemMemory.ShareOfAvailable(ReadBytes)));
        var int16 = Step(() => MachineProbes.IntegerPeak(team, path, ActivationPrecision.Int16));
        var int8 = Step(() => MachineProbes.IntegerPeak(team, path, ActivationPrecision.Int8));
        var fp32 = Step(() => MachineProbes.FloatPeak(team, path));
        return new HardwareProfile
        {
            Threads = team.Threads,
            KernelPath = path,
            Processor = ProcessorName.Read(),
            MemoryBytes = SystemMemory.TotalBytes,
            MemoryGigabytesPerSecond = memory,
            Int16Gops = int16,
            Int8Gops = int8,
            Fp32Gflops = fp32,
        };

        double Step(Func<double> measure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return measure();
        }
    }
}
