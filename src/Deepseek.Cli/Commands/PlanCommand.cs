using System.CommandLine;
using Deepseek.Inference.Planning;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek plan</c>: what a machine will do with a model, before it is downloaded.</summary>
internal static class PlanCommand
{
    public static Command Create(ToolConsole console)
    {
        var architecture = ArchitectureOption.Create("The shape");
        architecture.Required = false; // --list-machines does without
        var layers = NumberOption.Whole("--layers", "N", "The first N layers alone, the dense ones among them. Default: all.", 1, ArchitectureOption.MostLayers);
        var context = NumberOption.Whole("--context", "N", "Tokens of context that there is to be room for. Default: 8192, or the model's positions.", 1);
        var prompt = NumberOption.Whole("--prompt", "N", "Tokens of the prompt whose prefill is forecast. Default: 2048, or the context.", 1);
        var hitRate = NumberOption.Real("--hit-rate", "R", "Forecast this share of hits as well, 0 to 1: of the chosen experts, those that are in memory.");
        var list = new Option<bool>("--list-machines") { Description = "Print the known machines, and nothing else." };
        var json = CommonOptions.Json();
        var command = new Command(
            "plan", "Says from a configuration alone what a machine will do with a model: sizes, placement, tokens a second and what bounds them, and what would help most. Where no machine is named or described, this one is measured.")
        {
            architecture, layers, context, prompt, hitRate, list, json,
        };
        var machines = new PlanMachineOptions(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(list))
            {
                MachineList.Print(console.Out, parsed.GetValue(json));
                return DeepseekTool.Success;
            }

            var name = parsed.GetValue(architecture) ?? throw new UsageException($"--architecture is missing; it must name what is planned, such as r1. See deepseek plan --help.");
            var options = new PlanOptions
            {
                Layers = parsed.GetValue(layers),
                ContextTokens = parsed.GetValue(context),
                PromptTokens = parsed.GetValue(prompt),
                HitRate = RequireShare(parsed.GetValue(hitRate)),
            };
            var config = ArchitectureOption.Read(name, console);
            options.Validate(config); // before seconds of measuring
            var machine = await machines.ReadAsync(parsed, cancellationToken).ConfigureAwait(false);
            var report = new PlanReport(name, DeploymentPlanner.Plan(config, machine, options));
            if (parsed.GetValue(json))
                await console.Out.WriteLineAsync(PlanJson.Line(report)).ConfigureAwait(false);
            else
                report.Print(console.Out);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek plan --architecture r1 --machine rtx4090-64gb",
            "deepseek plan --architecture r1 --vram 24GiB --ram 64GiB --disk 7GB/s --context 8192",
            "deepseek plan --architecture r1 --layers 8 --ram 20GiB --measure ./r1-slice --json",
            "deepseek plan --list-machines");
    }

    private static double? RequireShare(double? share) => share is null or (>= 0 and <= 1)
        ? share
        : throw new UsageException(FormattableString.Invariant($"--hit-rate is {share}; it must be 0 to 1."));
}
