using System.CommandLine;
using System.Diagnostics;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Planning;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek bench</c>: how fast a model runs, and how far that is from what the machine can do.</summary>
internal static class BenchCommand
{
    private const int MostProbeThreads = 256; // a team's

    public static Command Create(ToolConsole console)
    {
        var defaults = new ModelBenchmarkOptions();
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        var prompt = NumberOption.Whole("-p", "N", $"Tokens of the prompt whose prefill is timed; 0 leaves prefill out. Default: {defaults.PromptTokens}.", 0, aliases: "--prompt-tokens");
        var tokens = NumberOption.Whole("-n", "N", $"Tokens whose decoding is timed; 0 leaves decoding out. Default: {defaults.NewTokens}.", 0, aliases: "--new-tokens");
        var depth = NumberOption.Whole("--depth", "N", "Tokens in the cache before decoding is timed. Default: 0.", 0);
        var batch = NumberOption.Whole("--batch", "B", "Different sequences that are decoded together; their tokens a second are summed. Default: 1.", 1, 1024);
        var cache = ChoiceOption.Create("--cache", "In what precision caches keep their values; int16 of latent attention alone. Default: int16 for a page store of such a model, fp32 else.", CachePrecisions.Names);
        var repeat = NumberOption.Whole("--repeat", "R", $"How often each test is timed. Default: {defaults.Repetitions}.", 1, 1000);
        var command = new Command("bench", "Times prefill and decoding over random tokens, each for itself, and measures the machine's memory bandwidth and arithmetic peaks to hold them against.")
        {
            model, prompt, tokens, depth, batch, cache, repeat, json,
        };
        var modelOptions = new ModelOptionSet(command, console, "one a processor");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = CommonOptions.Folder(parsed, model);
            var read = modelOptions.Read(parsed);
            var given = read with { Paging = read.Paging with { RememberUsage = false } }; // no run measures what the last one left
            var threads = given.Threads ?? Environment.ProcessorCount;
            var options = new ModelBenchmarkOptions
            {
                PromptTokens = parsed.GetValue(prompt) ?? defaults.PromptTokens,
                NewTokens = parsed.GetValue(tokens) ?? defaults.NewTokens,
                Depth = parsed.GetValue(depth) ?? defaults.Depth,
                BatchSize = parsed.GetValue(batch) ?? defaults.BatchSize,
                CachePrecision = CachePrecisions.TryParse(parsed.GetValue(cache), out var precision) ? precision : null,
                Repetitions = parsed.GetValue(repeat) ?? defaults.Repetitions,
            };
            if (options is { PromptTokens: 0, NewTokens: 0 })
                throw new UsageException("-p and -n are both 0; one of them must be 1 or more, since nothing would be timed.");
            if (Directory.Exists(folder))
                options.Validate(ModelConfig.Load(folder)); // before minutes of loading

            var start = Stopwatch.GetTimestamp();
            ModelBenchmark benchmark;
            TimeSpan load;
            using (var loaded = await ModelLoading.LoadModelAsync(console, folder, given with { Threads = threads }, cancellationToken).ConfigureAwait(false))
            {
                load = Stopwatch.GetElapsedTime(start);
                benchmark = await Task.Run(() => ModelBenchmark.Measure(loaded, options, Progress(console), cancellationToken), cancellationToken).ConfigureAwait(false);
            }

            // Once the model is gone: the probe's gigabyte neither wants room beside it nor counts as its memory.
            var machine = await Task.Run(() => HardwareProfile.Measure(Math.Min(threads, MostProbeThreads), cancellationToken), cancellationToken).ConfigureAwait(false);
            double? disk = benchmark.Paging is null ? null : await Task.Run(() => DiskProbe.Measure(folder, cancellationToken: cancellationToken), cancellationToken).ConfigureAwait(false);
            var report = new BenchReport(folder, threads, load, benchmark, machine, disk, given.Paging.CachePreference);
            if (parsed.GetValue(json))
                await console.Out.WriteLineAsync(report.Json()).ConfigureAwait(false);
            else
                report.Print(console.Out);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek bench -p 128 -n 32",
            "deepseek bench --model ./v2-lite-store -p 512 -n 64 --depth 4096",
            "deepseek bench --model ./v2-lite-store -p 0 --batch 8 --activations int8 --json");
    }

    private static Line? Progress(ToolConsole console) => console.HasColour ? new Line(console.Error) : null;

    /// <summary>Where somebody watches: what is timed, on one line of standard error.</summary>
    private sealed class Line(TextWriter error) : IProgress<ModelBenchmarkProgress>
    {
        public void Report(ModelBenchmarkProgress value) => error.Write(value.Repetition == 0
            ? FormattableString.Invariant($"\r{value.Test}: warming up ")
            : FormattableString.Invariant($"\r{value.Test}: {value.Repetition} of {value.Repetitions}    {(value.Repetition == value.Repetitions ? "\n" : "")}"));
    }
}
