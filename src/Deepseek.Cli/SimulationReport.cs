using System.Globalization;
using System.Text.Json;
using Deepseek.Cli.Terminal;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Offload;
using Spectre.Console;

namespace Deepseek.Cli;

/// <summary>One simulated cache.</summary>
/// <param name="Ram">The machine's memory; null where slots were given.</param>
/// <param name="Options">The cache.</param>
/// <param name="Result">What it did.</param>
internal sealed record SimulationRow(long? Ram, CacheSimulationOptions Options, CacheSimulation Result);

/// <summary>What <c>simulate</c> found, as JSON or for readers.</summary>
/// <param name="Description">The routing, in words.</param>
/// <param name="Trace">The routing.</param>
/// <param name="Machine">Sizes and speeds.</param>
/// <param name="Rows">The caches.</param>
internal sealed record SimulationReport(string Description, RoutingTrace Trace, SimulatedMachine Machine, IReadOnlyList<SimulationRow> Rows)
{
    private int Experts => Trace.Layers * Trace.ExpertsPerLayer;

    /// <summary>A cache as one object on one line.</summary>
    public string Json(SimulationRow row) => JsonLines.Line(writer =>
    {
        var forecast = row.Result.Forecast(Machine);
        writer.WriteString("routing", Description);
        if (row.Ram is { } ram)
            writer.WriteNumber("ram_bytes", ram);
        writer.WriteNumber("slots", row.Options.Slots);
        writer.WriteNumber("experts", Experts);
        writer.WriteString("eviction", EvictionOption.NameOf(row.Options.Eviction));
        writer.WriteBoolean("share_by_layer", row.Options.ShareByLayer);
        writer.WriteNumber("tokens", row.Result.Tokens);
        Write(writer, "hit_rate", row.Result.HitRate);
        Write(writer, "optimal_hit_rate", row.Result.OptimalHitRate);
        Write(writer, "misses_per_token", row.Result.MissesPerToken);
        Write(writer, "reads_per_token", row.Result.ReadsPerToken);
        Write(writer, "disk_bytes_per_token", forecast.DiskBytesPerToken);
        Write(writer, "forecast_tokens_per_second", forecast.TokensPerSecond);
        Write(writer, "forecast_tokens_per_second_overlapped", forecast.OverlappedTokensPerSecond);
    });

    /// <summary>A table, and what its forecasts rest on.</summary>
    public void Print(TextWriter output)
    {
        output.WriteLine(Invariant($"Simulated, not measured: {PrintableText.Line(Description)}; {Trace.Tokens} tokens, of which {Rows[0].Result.Tokens} count; {Trace.Layers} layers × {Trace.ExpertsPerLayer} experts, {Trace.Chosen} chosen."));
        var table = new Table().Border(TableBorder.Simple);
        foreach (var heading in new[] { "RAM", "experts in memory", "eviction", "hits", "Belady", "misses/token", "GB/token", "tokens/s", "overlapped" })
            table.AddColumn(heading, column => column.Alignment(heading == "eviction" ? Justify.Left : Justify.Right));
        foreach (var row in Rows)
        {
            var forecast = row.Result.Forecast(Machine);
            table.AddRow(
                row.Ram is { } ram ? MemorySize.Format(ram) : "",
                Invariant($"{row.Options.Slots} ({(double)row.Options.Slots / Experts:0%})"),
                EvictionOption.NameOf(row.Options.Eviction),
                Invariant($"{row.Result.HitRate:0.0%}"), Invariant($"{row.Result.OptimalHitRate:0.0%}"), Invariant($"{row.Result.MissesPerToken:0.0}"),
                Invariant($"{forecast.DiskBytesPerToken / 1e9:0.00}"), Invariant($"{forecast.TokensPerSecond:0.00}"), Invariant($"{forecast.OverlappedTokensPerSecond:0.00}"));
        }

        var terminal = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
        terminal.Profile.Width = 200;
        terminal.Write(table);
        output.WriteLine(Invariant($"tokens/s is a forecast: {Machine.AlwaysReadBytes / 1e9:0.00} GB a token are always read, an expert is {Machine.ExpertBytes:N0} bytes, memory {Machine.MemoryGigabytesPerSecond:0.0} GB/s, disk {Machine.DiskGigabytesPerSecond:0.0} GB/s; disk and memory take turns, or overlap as a whole."));
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static void Write(Utf8JsonWriter writer, string name, double value) =>
        writer.WriteNumber(name, double.Parse(value.ToString("g6", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture));
}
