using System.CommandLine;
using System.Globalization;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Evaluation;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek logits</c>: what a model computes for given tokens, as a safetensors file.</summary>
internal static class LogitsCommand
{
    public static Command Create(ToolConsole console)
    {
        var model = CommonOptions.Model();
        var ids = new Option<string?>("--ids") { Description = "Token ids, separated by commas.", HelpName = "5,17,9", Arity = ArgumentArity.ExactlyOne };
        var idsFile = CommonOptions.Path("--ids-file", "F.json", "A file with a JSON array of token ids.");
        var output = CommonOptions.Path("--out", "FILE", "The safetensors file to write.");
        output.Required = true;
        var hidden = new Option<bool>("--hidden") { Description = "Add hidden.0 … hidden.L, [T, D]." };
        var experts = new Option<bool>("--experts") { Description = "Add experts.l of every mixture layer, [T, K]." };
        var prediction = new Option<bool>("--mtp") { Description = "Add mtp.logits of the multi-token-prediction layer, [T-1, V]." };
        var window = NumberOption.Whole("--window", "W", "A token sees the last W tokens alone.", 1);
        var sink = NumberOption.Whole("--sink", "S", "With --window: the first S tokens stay visible.", 0);
        var chunk = NumberOption.Whole("--chunk", "N", "Tokens that pass the model at once.", 1, 65_536);
        var backend = new Option<string>("--backend") { Description = "The operations that compute.", DefaultValueFactory = _ => "torch" };
        backend.AcceptOnlyFromAmong("torch");
        var json = CommonOptions.Json();

        var command = new Command("logits", "Writes the logits of every token, for comparison with other implementations.")
        {
            model, ids, idsFile, output, hidden, experts, prediction, window, sink, chunk, backend, json,
        };
        var modelOptions = new ModelOptionSet(command, console);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var tokens = Ids(parsed.GetValue(ids), parsed.GetValue(idsFile));
            if (parsed.GetValue(sink) is not null && parsed.GetValue(window) is null)
                throw new UsageException("--sink needs --window.");

            var path = parsed.GetRequiredValue(output)!;
            OutputFile.RequireWritable(path);

            var options = modelOptions.Read(parsed);
            options = options with { ChunkSize = parsed.GetValue(chunk) ?? options.ChunkSize };
            using var loaded = await ModelLoading.LoadModelAsync(console, CommonOptions.Folder(parsed, model), options, cancellationToken).ConfigureAwait(false);
            var dump = new LogitsDumpOptions
            {
                Hidden = parsed.GetValue(hidden),
                Experts = parsed.GetValue(experts),
                MultiTokenPrediction = parsed.GetValue(prediction),
                Window = parsed.GetValue(window) is { } recent ? new AttentionWindow(recent, parsed.GetValue(sink) ?? 0) : null,
            };
            await Task.Run(() => LogitsDump.Write(loaded, tokens, path, dump, cancellationToken), cancellationToken).ConfigureAwait(false);

            if (parsed.GetValue(json))
                await console.Out.WriteLineAsync(JsonLines.Line(writer =>
                {
                    writer.WriteString("out", path);
                    writer.WriteNumber("tokens", tokens.Length);
                })).ConfigureAwait(false);
            else
                await console.Error.WriteLineAsync($"Wrote {path}: {tokens.Length.ToString(CultureInfo.InvariantCulture)} tokens.").ConfigureAwait(false);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek logits --ids 0,3,27,4 --out logits.safetensors",
            "deepseek logits --model ./DeepSeek-V2-Lite --ids-file ids.json --out all.safetensors --hidden --experts",
            "deepseek logits --ids-file ids.json --out window.safetensors --window 24 --sink 4");
    }

    private static int[] Ids(string? list, string? file)
    {
        if (list is null == file is null)
            throw new UsageException("Give either --ids 5,17,9 or --ids-file F.json.");
        if (file is not null)
        {
            using var document = JsonInput.Whole(file);
            return JsonInput.Ids(document.RootElement, file);
        }

        return [.. list!.Split(',').Select(part => int.TryParse(part, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var id)
            ? id
            : throw new UsageException($"--ids has '{part}'; it must be token ids separated by commas, such as 5,17,9."))];
    }
}
