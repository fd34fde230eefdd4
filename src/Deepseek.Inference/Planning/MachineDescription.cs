using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Planning;

/// <summary>A machine, as far as a plan needs to know it: sizes, speeds, and what share of a speed the kernels make use of.</summary>
/// <example>
/// <code>
/// var machine = KnownMachines.ByName("rtx4090-64gb") with { RamBytes = MemorySize.Parse("120GiB"), DiskGigabytesPerSecond = 12 };
/// var plan = DeploymentPlanner.Plan(KnownModels.R1, machine);
/// </code>
/// </example>
public sealed record MachineDescription
{
    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>Where the figures come from.</summary>
    public string Origin { get; init; } = "";

    /// <summary>RAM that the process may use, in bytes: without what the system and other programs need.</summary>
    public required long RamBytes { get; init; }

    /// <summary>The speed of reading RAM, GB/s (10⁹ bytes).</summary>
    public required double MemoryGigabytesPerSecond { get; init; }

    /// <summary>The processor's peak of multiply-adds of 16-bit whole numbers, 10⁹ operations a second (a multiply-add is two).</summary>
    public required double Int16Gops { get; init; }

    /// <summary>The speed at which the disk gives whole experts in any order, GB/s; null where it is not known.</summary>
    public double? DiskGigabytesPerSecond { get; init; }

    /// <summary>The graphics card; null for none.</summary>
    public DeviceDescription? Device { get; init; }

    /// <summary>The share of the memory's speed at which NF4 weights meet one token. Default 0.75, the kernels' goal; <see cref="Measure"/> measures it.</summary>
    public double KernelShare { get; init; } = 0.75;

    /// <summary>The share of the memory's speed at which weights are read that are widened first. Default 0.3; <see cref="Measure"/> measures it.</summary>
    public double WidenShare { get; init; } = 0.3;

    /// <summary>The share of the arithmetic peak that products reach in prefill. Default 0.6, the kernels' goal; <see cref="Measure"/> measures it.</summary>
    public double ArithmeticShare { get; init; } = 0.6;

    /// <summary>Measures this machine: memory, arithmetic, the kernels, and a disk. It takes some four seconds.</summary>
    /// <param name="diskFolder">A folder on the disk, or a page store; null to leave the disk unknown.</param>
    /// <param name="threads">Threads that will compute; null for one a processor.</param>
    /// <param name="cancellationToken">Ends it between two measurements.</param>
    /// <remarks>RAM is what is free now. Graphics cards are not measured: name one by <see cref="Device"/>.</remarks>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is out of range.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to, and is no store.</exception>
    /// <exception cref="Diagnostics.DiskSpaceException">The disk has less space than a measurement needs.</exception>
    /// <exception cref="IOException">The disk fails, or takes no files.</exception>
    public static MachineDescription Measure(string? diskFolder = null, int? threads = null, CancellationToken cancellationToken = default)
    {
        // First, and before its pages fill memory: a folder that cannot be measured is known at once.
        var disk = diskFolder is null ? null : DiskProbe.Read(diskFolder, DiskProbe.StandardReaders, DiskProbe.ReadingTime, cancellationToken);
        var free = SystemMemory.AvailableBytes;
        var profile = HardwareProfile.Measure(threads, cancellationToken);
        using var team = new ThreadTeam(profile.Threads);
        var kernels = KernelProbe.Measure(team, cancellationToken);
        return new MachineDescription
        {
            Name = profile.Processor,
            Origin = FormattableString.Invariant($"measured now with {profile.Threads} threads{Describe(disk, diskFolder)}; RAM is what is free"),
            RamBytes = free,
            MemoryGigabytesPerSecond = profile.MemoryGigabytesPerSecond,
            Int16Gops = profile.Int16Gops,
            DiskGigabytesPerSecond = disk?.GigabytesPerSecond,
            KernelShare = kernels.ProductGigabytesPerSecond / profile.MemoryGigabytesPerSecond,
            WidenShare = kernels.WidenedGigabytesPerSecond / profile.MemoryGigabytesPerSecond,
            ArithmeticShare = kernels.ProductGops / profile.Int16Gops,
        };
    }

    /// <summary>Reports every fault at once.</summary>
    /// <exception cref="ArgumentException">A figure is no size or no speed; all faults are named.</exception>
    internal void Validate()
    {
        List<string> faults = [];
        if (RamBytes <= 0)
            faults.Add(FormattableString.Invariant($"{nameof(RamBytes)} is {RamBytes}; it must be 1 or more."));
        Positive(nameof(MemoryGigabytesPerSecond), MemoryGigabytesPerSecond);
        Positive(nameof(Int16Gops), Int16Gops);
        Positive(nameof(DiskGigabytesPerSecond), DiskGigabytesPerSecond ?? 1);
        Positive(nameof(KernelShare), KernelShare);
        Positive(nameof(WidenShare), WidenShare);
        Positive(nameof(ArithmeticShare), ArithmeticShare);
        if (Device is { } device)
        {
            if (device.Bytes <= 0)
                faults.Add(FormattableString.Invariant($"{nameof(Device)}.{nameof(device.Bytes)} is {device.Bytes}; it must be 1 or more, or {nameof(Device)} null."));
            Positive($"{nameof(Device)}.{nameof(device.GigabytesPerSecond)}", device.GigabytesPerSecond);
            Positive($"{nameof(Device)}.{nameof(device.Teraflops)}", device.Teraflops);
            Positive($"{nameof(Device)}.{nameof(device.LinkGigabytesPerSecond)}", device.LinkGigabytesPerSecond);
        }

        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(MachineDescription)}: {string.Join(" ", faults)}");

        void Positive(string name, double value)
        {
            if (!(value > 0 && double.IsFinite(value)))
                faults.Add(FormattableString.Invariant($"{name} is {value}; it must be a number above 0."));
        }
    }

    private static string Describe(DiskReading? disk, string? folder) => disk is null ? "" : FormattableString.Invariant(
        $", the disk by {disk.Bytes / 1e9:0.0} GB of {disk.What} in {UntrustedText.Quote(folder)}{(disk.IsDirect ? "" : " through the page cache, which may have answered for it")}");
}
