using System.CommandLine;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Planning;

namespace Deepseek.Cli;

/// <summary>The options of <c>plan</c> that say which machine is meant.</summary>
internal sealed class PlanMachineOptions
{
    private const string WithCard = "rtx4090-64gb";
    private const string WithoutCard = "cpu-64gb";
    private const int MostThreads = 256; // a team's

    private readonly Option<string?> _machine = new("--machine") { Description = "A known machine; --list-machines shows them.", HelpName = "NAME", Arity = ArgumentArity.ExactlyOne };
    private readonly Option<long?> _vram = SizeOption.Bytes("--vram", "Memory of the graphics card, such as 24GiB; 0 for none. Its speeds are an RTX 4090's unless --machine has a card.", minimum: 0);
    private readonly Option<long?> _ram = SizeOption.Bytes("--ram", "RAM that the process may use, such as 64GiB.");
    private readonly Option<double?> _disk = SizeOption.Speed("--disk", "The disk's speed for whole experts in any order, such as 7GB/s.");
    private readonly Option<double?> _memory = SizeOption.Speed("--memory", "The speed of reading RAM, such as 80GB/s.");
    private readonly Option<string?> _measure = CommonOptions.Path("--measure", "DIR", "Measure this machine, and the disk of a folder: a page store, whose experts are read, or any other, in which up to 1 GiB is written for some seconds.");
    private readonly Option<int?> _threads = NumberOption.Whole("--threads", "N", "Threads that measure, where this machine is measured. Default: one a processor.", 1, MostThreads);

    public PlanMachineOptions(Command command)
    {
        _machine.CompletionSources.Add([.. KnownMachines.Names]);
        foreach (var option in new Option[] { _machine, _vram, _ram, _disk, _memory, _measure, _threads })
            command.Options.Add(option);
    }

    /// <summary>The machine that is meant: a known one, a described one, or this one, which is then measured.</summary>
    public async Task<MachineDescription> ReadAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (name, measure, vram, ram) = (parsed.GetValue(_machine), parsed.GetValue(_measure), parsed.GetValue(_vram), parsed.GetValue(_ram));
        if (name is not null && measure is not null)
            throw new UsageException("--machine and --measure are both given; give one of them: a known machine's figures, or this one's.");
        var described = name is null && measure is null && (vram is not null || ram is not null);
        if (parsed.GetValue(_threads) is not null && (name is not null || described))
            throw new UsageException("--threads is given, but nothing is measured; give it with --measure, or without --machine, --vram and --ram.");

        var machine = name is not null ? Known(name)
            : described ? Described(vram, ram)
            : await Task.Run(() => MachineDescription.Measure(measure, parsed.GetValue(_threads), cancellationToken), cancellationToken).ConfigureAwait(false);
        List<string> origin = [machine.Origin];
        if (vram is { } bytes)
        {
            var card = machine.Device ?? Known(WithCard).Device!;
            machine = machine with { Device = bytes == 0 ? null : card with { Bytes = bytes } };
            if (bytes > 0 && !described)
                origin.Add($"the card's size as given, its speeds an {card.Name}'s");
        }

        if (ram is { } size)
        {
            machine = machine with { RamBytes = size };
            origin.Add("RAM as given");
        }

        if (parsed.GetValue(_disk) is { } disk)
        {
            machine = machine with { DiskGigabytesPerSecond = disk };
            origin.Add("the disk's speed as given");
        }

        if (parsed.GetValue(_memory) is { } memory)
        {
            machine = machine with { MemoryGigabytesPerSecond = memory };
            origin.Add("the memory's speed as given");
        }

        return machine with { Origin = string.Join("; ", origin) };
    }

    /// <summary>Nominal speeds for the sizes that were given; of the disk nothing is supposed.</summary>
    private static MachineDescription Described(long? vram, long? ram)
    {
        var machine = Known(vram > 0 ? WithCard : WithoutCard);
        var supposed = ram is null ? $"; RAM supposed to be {MemorySize.Format(machine.RamBytes)}" : "";
        return machine with
        {
            Name = "described",
            Origin = $"speeds nominal: 8 cores, two channels of DDR5-5600{(vram > 0 ? ", a card like the RTX 4090" : "")}{supposed}",
            DiskGigabytesPerSecond = null,
        };
    }

    private static MachineDescription Known(string name) => KnownMachines.Names.Contains(name, StringComparer.OrdinalIgnoreCase)
        ? KnownMachines.ByName(name)
        : throw new UsageException($"--machine is '{name}'; it must be one of {string.Join(", ", KnownMachines.Names)}.");
}
