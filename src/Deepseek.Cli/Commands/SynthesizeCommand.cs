using System.CommandLine;
using Deepseek.Cli.Terminal;
using Deepseek.Inference.Store;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek synthesize</c>: a page store of random weights, of a real model's exact shape.</summary>
internal static class SynthesizeCommand
{

    public static Command Create(ToolConsole console)
    {
        var target = new Argument<string>("OUT") { Description = "The folder to write: absent, empty, or what the same command left." };
        var architecture = ArchitectureOption.Create("The shape");
        var layers = NumberOption.Whole("--layers", "N", "The first N layers alone, the dense ones among them. Default: all.", 1, ArchitectureOption.MostLayers);
        var prediction = new Option<bool>("--mtp") { Description = "With the multi-token-prediction layer." };
        var skew = NumberOption.Real("--skew", "S", "Let the experts of a layer be chosen as often as a Zipf law of this exponent says, 0 to 2. Default: equally often.");
        var seed = NumberOption.Whole("--seed", "N", "What the random numbers follow from. Default: 0.");
        var (threads, json) = (NumberOption.Whole("--threads", "N", "Threads that write. Default: one a core.", 1, 1024), CommonOptions.Json());
        var dryRun = new Option<bool>("--dry-run") { Description = "Print what would be written, and write nothing." };
        var command = new Command(
            "synthesize", "Writes a page store of random weights at the disk's speed: to measure a machine before downloading hundreds of GB. There is no tokenizer. An interrupted run is taken up by the same command; a finished one is checked.")
        {
            target, architecture, layers, prediction, skew, seed, threads, dryRun, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = parsed.GetRequiredValue(target);
            var options = new SyntheticOptions
            {
                Layers = parsed.GetValue(layers),
                MultiTokenPrediction = parsed.GetValue(prediction),
                Skew = RequireSkew(parsed.GetValue(skew)),
                Seed = parsed.GetValue(seed) ?? 0,
                Threads = parsed.GetValue(threads),
            };
            var config = ArchitectureOption.Read(parsed.GetRequiredValue(architecture)!, console);
            if (parsed.GetValue(dryRun))
            {
                ConvertCommand.Print(StoreSynthesizer.Plan(config, options), folder, written: false, parsed.GetValue(json), console);
                return DeepseekTool.Success;
            }

            StoreSummary summary;
            using (var progress = ConversionProgress.For(console))
                summary = await StoreSynthesizer.SynthesizeAsync(config, folder, options, progress, cancellationToken).ConfigureAwait(false);
            ConvertCommand.Print(summary, folder, written: true, parsed.GetValue(json), console);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek synthesize --architecture r1 --layers 8 ./r1-slice",
            "deepseek synthesize --architecture v2-lite --skew 0.5 ./v2-lite-store",
            "deepseek synthesize --architecture ./config.json --dry-run ./store");
    }

    private static double? RequireSkew(double? skew) => skew is null or (>= 0 and <= 2)
        ? skew
        : throw new UsageException(FormattableString.Invariant($"--skew is {skew}; it must be 0 to 2."));
}
