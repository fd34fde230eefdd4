using System.CommandLine;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Deepseek.Cli.Terminal;
using Deepseek.Inference.Store;
using Spectre.Console;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek convert</c>: from a published checkpoint to a page store, or to 4 bits as bitsandbytes has them.</summary>
internal static class ConvertCommand
{
    private const string Store = "store";
    private const string Bitsandbytes = "bitsandbytes";

    public static Command Create(ToolConsole console)
    {
        var source = new Argument<string>("IN") { Description = "The checkpoint's folder, with config.json and safetensors files." };
        var target = new Argument<string>("OUT") { Description = "The folder to write: absent, empty, or what the same conversion left." };
        var format = FormatOption();
        var precisions = new PrecisionOptions();
        var (calibrate, threads, json) = (CalibrationInput.Option(), NumberOption.Whole("--threads", "N", "Threads that encode. Default: one a core.", 1, 1024), CommonOptions.Json());
        var also = new Option<string[]?>("--also") { Description = "A folder on another disk, for a share of the experts by its measured speed; may be given several times. All disks are then read at once.", HelpName = "DIR", Arity = ArgumentArity.OneOrMore };
        var dryRun = new Option<bool>("--dry-run") { Description = "Print what would be written, and write nothing." };
        var command = new Command(
            "convert", "Makes a page store, from which a model larger than memory runs. An interrupted conversion is taken up by the same command; a finished one is checked.")
        {
            source, target, format, also, calibrate, threads, dryRun, json,
        };
        precisions.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (from, to) = (parsed.GetRequiredValue(source), parsed.GetRequiredValue(target));
            if (parsed.GetValue(format) == Bitsandbytes)
            {
                if (precisions.Given(parsed) is { } given)
                    throw new UsageException($"{given} belongs to --format {Store}; bitsandbytes has 4 bits for all layers. Leave one of them out.");
                if (parsed.GetValue(calibrate) is not null || parsed.GetValue(dryRun) || parsed.GetValue(also) is { Length: > 0 })
                    throw new UsageException($"--also, --calibrate and --dry-run belong to --format {Store}. Leave them out.");
                using (var written = ConversionProgress.For(console))
                    await BitsandbytesConverter.ConvertAsync(from, to, progress: written, cancellationToken: cancellationToken).ConfigureAwait(false);
                await console.Out.WriteLineAsync(parsed.GetValue(json) ? JsonLines.Line(writer => writer.WriteString("folder", to)) : $"{PrintableText.Line(to)}: written.").ConfigureAwait(false);
                return DeepseekTool.Success;
            }

            var options = precisions.Read(parsed) with { Threads = parsed.GetValue(threads), Also = [.. (parsed.GetValue(also) ?? []).Select(folder => new StoreDisk(folder))] };
            if (parsed.GetValue(dryRun))
            {
                Print(StoreConverter.Plan(from, options), to, written: false, parsed.GetValue(json), console);
                return DeepseekTool.Success;
            }

            if (parsed.GetValue(calibrate) is { } text)
            {
                var finished = StoreConverter.CheckTarget(from, to, options, calibrated: true); // whatever is wrong with the folders is known before a text is run over the checkpoint
                options = await CalibrationInput.AddAsync(options, text, from, finished ? null : KeptEnergies(text, from, to), console, cancellationToken).ConfigureAwait(false);
            }

            if (options.Also.Count > 0 && !StoreConverter.CheckTarget(from, to, options, parsed.GetValue(calibrate) is not null))
                options = await Task.Run(() => DiskShares.Measure(to, options, cancellationToken), cancellationToken).ConfigureAwait(false);
            StoreSummary summary;
            using (var progress = ConversionProgress.For(console))
                summary = await StoreConverter.ConvertAsync(from, to, options, progress, cancellationToken).ConfigureAwait(false);
            Print(summary, to, written: true, parsed.GetValue(json), console);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek convert ./DeepSeek-R1 ./r1-store",
            "deepseek convert ./DeepSeek-R1 ./r1-store --also /mnt/second/r1 --also /mnt/third/r1",
            "deepseek convert ./DeepSeek-V2-Lite ./v2-lite-store --attention int8 --head int8 --dry-run",
            "deepseek convert ./DeepSeek-V2-Lite ./v2-lite-store --calibrate book.txt",
            "deepseek convert ./DeepSeek-R1-Distill-Qwen-7B ./qwen-4bit --format bitsandbytes");
    }

    private static Option<string> FormatOption()
    {
        var option = new Option<string>("--format") { Description = $"{Store}, or {Bitsandbytes}: a checkpoint as Transformers saves it in 4 bits.", HelpName = "F", DefaultValueFactory = _ => Store };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [.., var token] && token.Value is not (Store or Bitsandbytes))
                result.AddError($"--format is '{token.Value}'; it must be {Store} or {Bitsandbytes}.");
        });
        return option;
    }

    /// <summary>Where the energies of a text and a checkpoint are kept until the conversion is done: measuring them may take hours.</summary>
    private static string? KeptEnergies(string text, string checkpoint, string target)
    {
        if (!File.Exists(text))
            return null;
        var hash = new XxHash3();
        hash.Append(File.ReadAllBytes(text));
        hash.Append(Encoding.UTF8.GetBytes(Path.GetFullPath(checkpoint)));
        return Path.Combine(target, $"{StoreConverter.KeptPrefix}{hash.GetCurrentHashAsUInt64().ToString("x16", CultureInfo.InvariantCulture)}.safetensors");
    }

    /// <summary>Prints what was or would be written.</summary>
    internal static void Print(StoreSummary summary, string folder, bool written, bool json, ToolConsole console)
    {
        if (json)
        {
            console.Out.WriteLine(Json(summary, folder, written));
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("part", "precision");
        foreach (var heading in new[] { "tensors", "parameters", "bytes" })
            table.AddColumn(heading, column => column.RightAligned());
        foreach (var one in summary.Classes)
            table.AddRow(one.Part, one.Precision, Number(one.Tensors), Number(one.Parameters), Number(one.Bytes));
        var terminal = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(console.Out) });
        terminal.Profile.Width = 200;
        terminal.Write(table);
        console.Out.WriteLine(FormattableString.Invariant(
            $"{PrintableText.Line(folder)}: {summary.Bytes:N0} bytes in {summary.Files} {(summary.Files == 1 ? "file" : "files")}{(summary.ExpertBytes > 0 ? $", {summary.ExpertBytes:N0} an expert" : "")}{(written ? ", complete." : "; nothing was written.")}"));
    }

    private static string Json(StoreSummary summary, string folder, bool written) => JsonLines.Line(writer =>
    {
        writer.WriteString("folder", folder);
        writer.WriteBoolean("written", written);
        writer.WriteNumber("bytes", summary.Bytes);
        writer.WriteNumber("files", summary.Files);
        writer.WriteNumber("expert_bytes", summary.ExpertBytes);
        writer.WriteStartArray("classes");
        foreach (var one in summary.Classes)
        {
            writer.WriteStartObject();
            writer.WriteString("part", one.Part);
            writer.WriteString("precision", one.Precision);
            writer.WriteNumber("tensors", one.Tensors);
            writer.WriteNumber("parameters", one.Parameters);
            writer.WriteNumber("bytes", one.Bytes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
