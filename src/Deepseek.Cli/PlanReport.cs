using Deepseek.Cli.Terminal;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Planning;
using Spectre.Console;

namespace Deepseek.Cli;

/// <summary>What <c>plan</c> found, for readers.</summary>
/// <param name="Name">What the model was called on the command line.</param>
/// <param name="Plan">The plan.</param>
internal sealed record PlanReport(string Name, DeploymentPlan Plan)
{
    /// <summary>Tables of sizes, placement and speeds, and what they mean.</summary>
    public void Print(TextWriter output)
    {
        var machine = Plan.Machine;
        output.WriteLine(Invariant(
            $"{PrintableText.Line(Name)}: {Plan.Model.LayerCount} layers, {Plan.Parameters.Total / 1e9:0.0} B parameters, {Plan.Parameters.ActivePerToken / 1e9:0.0} B of them for a token"));
        output.WriteLine(Invariant($"{PrintableText.Line(machine.Name)}: {Speeds(machine)}"));
        output.WriteLine($"  ({PrintableText.Line(machine.Origin)})");
        PrintSizes(output);
        PrintPlacement(output);
        if (!Plan.Fits)
        {
            output.WriteLine(Invariant($"It does not fit: {Size(Plan.Placement.ShortfallBytes)} of RAM are missing for the weights that every token uses, the cache and the experts of a layer."));
            output.WriteLine(Plan.LargestContext > 0
                ? Invariant($"A context of {Plan.LargestContext} tokens fits.")
                : "No context fits: give more RAM, or fewer --layers to try the machine.");
            return;
        }

        PrintDecode(output);
        if (Plan.DecodeWithExpertsOnCpu is { } onCpu)
            output.WriteLine(Invariant($"The card computes the experts. If the processor did, and the card kept the rest, skewed routing would give {onCpu:0.00} tokens/s."));
        PrintPrefill(output);
        output.WriteLine(Invariant($"Context: {Plan.ContextTokens} tokens take {Size(Plan.ContextTokens * Plan.CacheBytesPerToken)}; up to {Plan.LargestContext} fit, for {Gigabytes(Plan.CacheBytesPerToken * 1000L)} a thousand tokens."));
        output.WriteLine(Invariant($"Disk: {Gigabytes(Plan.Footprint.Bytes)} for the store."));
        if (Plan.NeedsDiskSpeed)
            output.WriteLine("The disk's speed is not known, so speeds are not: give --disk 7GB/s, or --measure DIR.");
        else
            PrintAdvice(output);
    }

    /// <summary>A table whose first column is text and whose others are numbers.</summary>
    internal static Table Table(string first, params string[] others)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(first);
        foreach (var heading in others)
            table.AddColumn(heading, column => column.RightAligned());
        return table;
    }

    internal static void Write(TextWriter output, Table table)
    {
        var terminal = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
        terminal.Profile.Width = 200;
        terminal.Write(table);
    }

    private static string Speeds(MachineDescription machine)
    {
        var card = machine.Device is { } device ? Invariant($"{device.Name} {MemorySize.Format(device.Bytes)} at {device.GigabytesPerSecond:0.#} GB/s, link {device.LinkGigabytesPerSecond:0.#} GB/s; ") : "no graphics card; ";
        var disk = machine.DiskGigabytesPerSecond is { } speed ? Invariant($"disk {speed:0.00} GB/s") : "disk unknown";
        return Invariant(
            $"{card}RAM {MemorySize.Format(machine.RamBytes)} at {machine.MemoryGigabytesPerSecond:0.0} GB/s, of which kernels use {machine.KernelShare:0%}; int16 {machine.Int16Gops:0} GOP/s, of which prefill uses {machine.ArithmeticShare:0%}; {disk}");
    }

    private void PrintSizes(TextWriter output)
    {
        var table = Table("precision", "store", "always used", "an expert", "a token reads");
        foreach (var size in Plan.Sizes)
            table.AddRow(size.Precision, Gigabytes(size.Bytes), Gigabytes(size.AlwaysUsedBytes), size.ExpertBytes == 0 ? "none" : Invariant($"{size.ExpertBytes / 1e6:0.00} MB"), Gigabytes(size.TokenBytes));
        Write(output, table);
    }

    private void PrintPlacement(TextWriter output)
    {
        var table = Table("lies in", "budget", "runtime", "always used", "cache", "experts", "their bytes", "free");
        if (Plan.Placement.Device is { } device)
            Add("card", device);
        Add("RAM", Plan.Placement.Ram);
        table.AddRow("disk", "", "", "", "", Invariant($"{Plan.Placement.DiskExperts:N0}"), Size(Plan.Placement.DiskExperts * Plan.Footprint.ExpertBytes), "");
        Write(output, table);

        void Add(string name, MemoryUse use) => table.AddRow(
            name, Size(use.BudgetBytes), Size(use.ReserveBytes), Size(use.AlwaysUsedBytes), Size(use.CacheBytes), Invariant($"{use.ExpertCount:N0}"), Size(use.ExpertBytes), use.UsedBytes > use.BudgetBytes ? "too small" : Size(use.BudgetBytes - use.UsedBytes));
    }

    private void PrintDecode(TextWriter output)
    {
        var table = Table("decode, tokens/s", "hits", "after", "full speeds, no overlap", "no overlap", "expected", "all overlap", "bound by");
        foreach (var one in Plan.Decode)
        {
            table.AddRow(
                one.Routing.ToString().ToLowerInvariant(), Invariant($"{one.HitRate:0%}"), Invariant($"{one.Depth}"), Speed(one.BoundTokensPerSecond), Speed(one.SerialTokensPerSecond),
                Speed(one.ExpectedTokensPerSecond), Speed(one.OverlappedTokensPerSecond), one.Bound);
        }

        Write(output, table);
    }

    private void PrintPrefill(TextWriter output)
    {
        var table = Table("prefill, tokens/s", "tokens", "from the disk", "no overlap", "all overlap", "bound by");
        foreach (var one in Plan.Prefill)
            table.AddRow(one.Warm ? "slots full" : "slots empty", Invariant($"{one.PromptTokens}"), Gigabytes(one.ReadBytes), Speed(one.SerialTokensPerSecond), Speed(one.OverlappedTokensPerSecond), one.Bound);
        Write(output, table);
    }

    private void PrintAdvice(TextWriter output)
    {
        var skewed = Plan.Decode.First(one => one is { Routing: RoutingAssumption.Skewed, Depth: 0 });
        output.WriteLine(Invariant($"Decoding is bound by {Describe(skewed.Bound)}, prefill by {Describe(Plan.Prefill[^1].Bound)}. What a change would bring, skewed routing, empty cache:"));
        var table = Table("change", "decode, tokens/s", "times as fast", "prefill, tokens/s");
        foreach (var advice in Plan.Advice)
            table.AddRow(advice.Change, Speed(advice.DecodeTokensPerSecond), Invariant($"{advice.Speedup:0.00}"), Speed(advice.PrefillTokensPerSecond));
        Write(output, table);
        output.WriteLine(Plan.Advice is [{ Speedup: > 1.05 } first, ..]
            ? $"The next euro should buy: {first.Change}, unless another line gains as much for less."
            : "None of these changes speeds decoding up by more than 5 %.");
    }

    private static string Describe(string bound) => bound switch
    {
        "disk" => "the disk's speed",
        "link" => "the link to the graphics card",
        "attention" => "attention's arithmetic",
        "memory" => "the speed of memory, or of the kernels over it",
        _ => "arithmetic",
    };

    private static string Speed(double? speed) => speed is { } known ? Invariant($"{known:0.00}") : "unknown";

    private static string Gigabytes(double bytes) => Invariant($"{bytes / 1e9:0.00} GB");

    private static string Size(long bytes) => MemorySize.Format(bytes);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
