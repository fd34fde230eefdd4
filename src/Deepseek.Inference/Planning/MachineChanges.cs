namespace Deepseek.Inference.Planning;

/// <summary>What could be bought for a machine.</summary>
internal static class MachineChanges
{
    private const long GiB = 1L << 30;

    // What the kernels are meant to reach; well below it they are bound by instructions.
    private const double KernelGoal = 0.75;

    /// <summary>Machines with one change each.</summary>
    public static IEnumerable<(string Name, MachineDescription Machine)> Of(MachineDescription machine)
    {
        yield return ("64 GiB more RAM", machine with { RamBytes = machine.RamBytes + (64 * GiB) });
        if (machine.DiskGigabytesPerSecond is { } disk)
            yield return ("a second disk like the first, both read at once", machine with { DiskGigabytesPerSecond = 2 * disk });
        yield return ("memory twice as fast", machine with
        {
            MemoryGigabytesPerSecond = 2 * machine.MemoryGigabytesPerSecond,

            // Kernels that are bound by instructions gain nothing from it.
            KernelShare = machine.KernelShare / (IsBoundByInstructions(machine) ? 2 : 1),
            WidenShare = machine.WidenShare / 2,
        });
        yield return ("twice as many cores", machine with
        {
            Int16Gops = 2 * machine.Int16Gops,
            KernelShare = Math.Max(machine.KernelShare, Math.Min(KernelGoal, 2 * machine.KernelShare)),
            WidenShare = Math.Max(machine.WidenShare, Math.Min(KernelGoal, 2 * machine.WidenShare)),
        });
        if (machine.Device is { } card)
        {
            yield return ("a graphics card with twice the memory", machine with { Device = card with { Bytes = 2 * card.Bytes } });
            yield return ("a link twice as fast to the graphics card", machine with { Device = card with { LinkGigabytesPerSecond = 2 * card.LinkGigabytesPerSecond } });
        }
        else
        {
            yield return ("a graphics card like the RTX 4090", machine with { Device = KnownMachines.ByName("rtx4090-64gb").Device });
        }
    }

    private static bool IsBoundByInstructions(MachineDescription machine) => machine.KernelShare < 0.9 * KernelGoal;
}
