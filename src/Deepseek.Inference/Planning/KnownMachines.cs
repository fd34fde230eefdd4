using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Planning;

/// <summary>Machines to plan for without having them.</summary>
/// <remarks>
/// <para>
/// Figures are nominal, from the makers' data: GeForce RTX 4090 and 3090 1,008 and 936 GB/s, 165 and 71 TFLOP/s (dense half precision, sums in fp32: the white papers of Ada and of GA102, appendices), PCIe 4.0 × 16 31.5 GB/s; two
/// channels of DDR5-5600 89.6 GB/s, of DDR4-3200 51.2 GB/s; four modules of DDR5 in two channels at 3,600 57.6 GB/s; twelve channels of DDR5-4800 460.8 GB/s; an NVMe disk on PCIe 4.0 × 4 7 GB/s, a small one of a laptop 5 GB/s.
/// </para>
/// <para>
/// Arithmetic is cores times what was measured of one: 236 GOP/s of 16-bit whole numbers on Zen 4, 148 on Zen 3. <c>cpu-24gb-2core</c> is measured throughout. RAM is what the machine's name says less 6 GiB for a system with a desktop, 4 GiB on a
/// laptop, 2 GiB on a server.
/// </para>
/// </remarks>
public static class KnownMachines
{
    private const long GiB = 1L << 30;
    private const double Pcie4 = 31.5;
    private const double Zen4Core = 236;
    private const double Zen3Core = 148;

    private static readonly DeviceDescription Rtx4090 = new("RTX 4090", 24 * GiB, 1008, 165, Pcie4);
    private static readonly DeviceDescription Rtx3090 = new("RTX 3090", 24 * GiB, 936, 71, Pcie4);

    private static readonly MachineDescription Desktop = new()
    {
        Name = "cpu-64gb", Origin = "nominal: 8 cores, two channels of DDR5-5600, an NVMe disk on PCIe 4.0; no graphics card", RamBytes = 58 * GiB,
        MemoryGigabytesPerSecond = 89.6, Int16Gops = 8 * Zen4Core, DiskGigabytesPerSecond = 7,
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<MachineDescription> All { get; } =
    [
        Desktop with { Name = "rtx4090-64gb", Origin = "nominal: RTX 4090, 8 cores, two channels of DDR5-5600, an NVMe disk on PCIe 4.0", Device = Rtx4090 },
        Desktop with
        {
            Name = "rtx4090-192gb", Origin = "nominal: RTX 4090, 16 cores, four modules of DDR5 at 3,600, an NVMe disk on PCIe 4.0",
            Device = Rtx4090, RamBytes = 186 * GiB, MemoryGigabytesPerSecond = 57.6, Int16Gops = 16 * Zen4Core,
        },
        Desktop with
        {
            Name = "rtx3090-64gb", Origin = "nominal: RTX 3090, 8 cores with AVX2, two channels of DDR4-3200, an NVMe disk on PCIe 4.0",
            Device = Rtx3090, MemoryGigabytesPerSecond = 51.2, Int16Gops = 8 * Zen3Core,
        },
        Desktop,
        Desktop with
        {
            Name = "laptop-32gb", Origin = "nominal: 8 cores with AVX2, two channels of DDR5-5600, a laptop's NVMe disk; no graphics card that is used",
            RamBytes = 28 * GiB, Int16Gops = 8 * Zen3Core, DiskGigabytesPerSecond = 5,
        },
        new()
        {
            Name = "cpu-24gb-2core", Origin = "measured: two virtual cores of an EPYC (Zen 3, AVX2) that others used as well, a virtual disk", RamBytes = 22 * GiB,
            MemoryGigabytesPerSecond = 26, Int16Gops = 2 * Zen3Core, DiskGigabytesPerSecond = 1.8, KernelShare = 0.5, WidenShare = 0.6, ArithmeticShare = 0.45,
        },
        new()
        {
            Name = "epyc-512gb", Origin = "nominal: 64 cores of Zen 4, twelve channels of DDR5-4800, an NVMe disk on PCIe 4.0; no graphics card", RamBytes = 510 * GiB,
            MemoryGigabytesPerSecond = 460.8, Int16Gops = 64 * Zen4Core, DiskGigabytesPerSecond = 7,
        },
    ];

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(machine => machine.Name)];

    /// <summary>A machine by its name; upper and lower case count the same.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is none of them.</exception>
    public static MachineDescription ByName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(machine => string.Equals(machine.Name, name, StringComparison.OrdinalIgnoreCase))
            ?? throw new ArgumentException($"The machine is {UntrustedText.Quote(name)}; it must be one of {string.Join(", ", Names)}.", nameof(name));
    }
}
