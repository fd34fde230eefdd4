using Deepseek.Inference.Configuration;
using Deepseek.Inference.Planning;
using Spectre.Console;

namespace Deepseek.Cli;

/// <summary>The known machines, as a table or as JSON.</summary>
internal static class MachineList
{
    public static void Print(TextWriter output, bool json)
    {
        if (json)
        {
            foreach (var machine in KnownMachines.All)
                output.WriteLine(JsonLines.Line(writer => PlanJson.WriteMachine(writer, machine)));
            return;
        }

        var table = PlanReport.Table("machine", "card", "RAM for the process", "memory GB/s", "disk GB/s", "int16 GOP/s");
        foreach (var machine in KnownMachines.All)
        {
            table.AddRow(
                machine.Name, machine.Device is { } card ? $"{card.Name}, {MemorySize.Format(card.Bytes)}" : "none", MemorySize.Format(machine.RamBytes),
                Number(machine.MemoryGigabytesPerSecond), machine.DiskGigabytesPerSecond is { } disk ? Number(disk) : "unknown", Number(machine.Int16Gops));
        }

        PlanReport.Write(output, table);
        foreach (var machine in KnownMachines.All)
            output.WriteLine($"{machine.Name}: {machine.Origin}.");
    }

    private static string Number(double value) => FormattableString.Invariant($"{value:0.#}");
}
