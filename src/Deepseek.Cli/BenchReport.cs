using System.Globalization;
using System.Text.Json;
using Deepseek.Cli.Terminal;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Planning;
using Spectre.Console;

namespace Deepseek.Cli;

/// <summary>What <c>bench</c> found, as JSON or for readers.</summary>
/// <param name="Folder">The model's folder.</param>
/// <param name="Threads">Threads that computed.</param>
/// <param name="Load">How long loading took.</param>
/// <param name="Benchmark">The speeds.</param>
/// <param name="Machine">What the machine can do.</param>
/// <param name="CachePreference">How far routers leaned towards experts in memory.</param>
/// <param name="DiskGigabytesPerSecond">What the disks give at most; null where nothing was paged.</param>
internal sealed record BenchReport(string Folder, int Threads, TimeSpan Load, ModelBenchmark Benchmark, HardwareProfile Machine, double? DiskGigabytesPerSecond = null, double CachePreference = 0)
{
    private string Kernels => Machine.KernelPath.ToString().ToLowerInvariant(); // as DEEPSEEK_KERNELS names it

    private string Activations => Benchmark.Activations.Name();

    // What whole numbers could do: 16 bits, unless 8 are what the model uses.
    private (string Name, double Gops) Integers => Activations == "int8" ? ("int8", Machine.Int8Gops) : ("int16", Machine.Int16Gops);

    /// <summary>One object on one line; a test that was left out has no keys.</summary>
    public string Json() => JsonLines.Line(writer =>
    {
        var options = Benchmark.Options;
        writer.WriteString("model", Folder);
        writer.WriteNumber("threads", Threads);
        writer.WriteNumber("batch", options.BatchSize);
        writer.WriteNumber("depth", options.Depth);
        writer.WriteNumber("prompt", options.PromptTokens);
        writer.WriteNumber("new", options.NewTokens);
        writer.WriteNumber("repetitions", options.Repetitions);
        writer.WriteStartObject("paths");
        writer.WriteString("kernels", Kernels);
        writer.WriteString("operations", Benchmark.Operations);
        writer.WriteString("activations", Activations);
        writer.WriteString("cache", Benchmark.CachePrecision.Name());
        writer.WriteEndObject();

        Write(writer, "prefill_tokens_per_second", Benchmark.Prefill);
        Write(writer, "prefill_peak_share", Benchmark.PeakShare(Machine));
        Write(writer, "decode_tokens_per_second", Benchmark.Decode);
        Write(writer, "decode_gb_per_token", Benchmark.DecodeBytesPerToken / 1e9);
        Write(writer, "decode_bandwidth_share", Benchmark.BandwidthShare(Machine));
        Write(writer, "memory_gb_per_second", Machine.MemoryGigabytesPerSecond);
        Write(writer, "integer_gops", Integers.Gops);
        Write(writer, "fp32_gops", Machine.Fp32Gflops);
        Write(writer, "load_seconds", Load.TotalSeconds);
        writer.WriteNumber("peak_memory_bytes", Benchmark.PeakMemoryBytes);
        if (Benchmark.Paging is { } paging)
            WritePaging(writer, paging);
    });

    private void WritePaging(Utf8JsonWriter writer, PagingBenchmark paging)
    {
        var statistics = paging.Statistics;
        if (CachePreference > 0)
            writer.WriteNumber("cache_preference", CachePreference);
        writer.WriteNumber("slots", statistics.Slots);
        writer.WriteNumber("experts", statistics.Experts);
        Write(writer, "hit_rate", statistics.HitRate);
        Write(writer, "disk_gb_per_token", paging.DiskBytesPerToken / 1e9);
        Write(writer, "prefetched_in_vain_gb_per_token", paging.PrefetchedInVainBytesPerToken / 1e9);
        Write(writer, "prefetch_accuracy", statistics.PrefetchAccuracy);
        Write(writer, "prefetched_gb_per_token", statistics.PrefetchedBytes / 1e9 / paging.Tokens);
        Write(writer, "stalled_share", StalledShare(paging));
        Write(writer, "always_read_gb", paging.AlwaysReadBytes / 1e9);
        Write(writer, "disk_gb_per_second", DiskGigabytesPerSecond);
        Write(writer, "unoverlapped_tokens_per_second", Unoverlapped(paging));
        Write(writer, "fill_seconds", paging.Fill.TotalSeconds);
    }

    private double? StalledShare(PagingBenchmark paging) => Benchmark.Decode is { } decode ? paging.Statistics.Stalled.TotalSeconds * decode.Median / paging.Tokens : null;

    private double? Unoverlapped(PagingBenchmark paging) => Benchmark.DecodeBytesPerToken is { } bytes && DiskGigabytesPerSecond is { } disk
        ? paging.TokensPerSecondWithoutOverlap(bytes, Machine.MemoryGigabytesPerSecond, disk)
        : null;

    /// <summary>A table, and two lines about what was measured where.</summary>
    public void Print(TextWriter output)
    {
        var options = Benchmark.Options;
        output.WriteLine(Invariant($"{PrintableText.Line(Folder)}: loaded in {Load.TotalSeconds:0.00} s; {Benchmark.Operations} operations, {Activations} activations, {Benchmark.CachePrecision.Name()} cache, {Count(Threads, "thread")}, {Count(options.Repetitions, "repetition")}"));

        var table = new Table().Border(TableBorder.Simple).AddColumn("test");
        foreach (var heading in new[] { "tokens/s", "least", "most", "of the machine" })
            table.AddColumn(heading, column => column.RightAligned());
        if (Benchmark.Prefill is { } prefill)
            Add(Invariant($"prefill {options.PromptTokens}"), prefill, Share(Benchmark.PeakShare(Machine), Invariant($"{Benchmark.PrefillOperationsPerToken * prefill.Median / 1e9:0.0} GOP/s")));
        if (Benchmark.Decode is { } decode)
            Add(Invariant($"decode {options.NewTokens}{(options.Depth > 0 ? Invariant($" after {options.Depth}") : "")}{(options.BatchSize > 1 ? Invariant($" × {options.BatchSize}") : "")}"), decode,
                Share(Benchmark.BandwidthShare(Machine), Invariant($"{Benchmark.DecodeGigabytesPerSecond:0.00} GB/s")));
        var terminal = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
        terminal.Profile.Width = 200;
        terminal.Write(table);

        var bytes = Benchmark.DecodeBytesPerToken is { } perToken ? Invariant($"A decoded token reads {perToken / 1e9:0.0000} GB of weights. ") : "";
        output.WriteLine(Invariant($"{bytes}Peak memory {Benchmark.PeakMemoryBytes / 1e9:0.00} GB."));
        if (Benchmark.Paging is { } paging)
            output.WriteLine(Describe(paging));
        output.WriteLine(Invariant($"This machine: {PrintableText.Line(Machine.Processor)}, {Count(Machine.Threads, "thread")}, {Kernels}: memory {Machine.MemoryGigabytesPerSecond:0.0} GB/s, {Integers.Name} {Integers.Gops:0} GOP/s, fp32 {Machine.Fp32Gflops:0} GFLOP/s."));

        void Add(string test, TokenSpeed speed, string share) => table.AddRow(test, Number(speed.Median), Number(speed.Minimum), Number(speed.Maximum), share);
    }

    private string Describe(PagingBenchmark paging)
    {
        var statistics = paging.Statistics;
        var disk = DiskGigabytesPerSecond is { } speed ? Invariant($"; the disks give {speed:0.00} GB/s") : "";
        var bound = Unoverlapped(paging) is { } tokens ? Invariant($", so {tokens:0.00} tokens/s if nothing overlapped") : "";
        var leaning = CachePreference > 0 ? Invariant($"Routers lean towards experts in memory by {CachePreference}: answers are others. ") : "";
        return leaning + Invariant($"Experts: {statistics.Slots} of {statistics.Experts} fit memory, which took {paging.Fill.TotalSeconds:0.0} s to fill; {statistics.HitRate:0.0%} of those demanded were there. A token read {paging.DiskBytesPerToken / 1e9:0.000} GB from disk, {paging.PrefetchedInVainBytesPerToken / 1e9:0.000} GB of it in vain{disk}{bound}. {(statistics.Prefetches > 0 ? Invariant($"Hints were right in {statistics.PrefetchAccuracy:0%} of cases; ") : "")}{StalledShare(paging):0%} of the time nothing could be computed.");
    }

    private static string Share(double? share, string speed) => share is null ? "unknown" : Invariant($"{speed}, {share:0.0%}");

    private static string Count(int number, string what) => Invariant($"{number} {what}{(number == 1 ? "" : "s")}");

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static void Write(Utf8JsonWriter writer, string name, TokenSpeed? speed)
    {
        if (speed is null)
            return;
        Write(writer, name, speed.Median);
        Write(writer, name + "_min", speed.Minimum);
        Write(writer, name + "_max", speed.Maximum);
    }

    /// <summary>Six digits: more than any clock here can tell.</summary>
    private static void Write(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } known)
            writer.WriteNumber(name, double.Parse(known.ToString("g6", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture));
    }
}
