using System.CommandLine;
using System.Globalization;
using Deepseek.Inference.Evaluation;
using Spectre.Console;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek inspect</c>: what a model's folder holds, from its headers alone.</summary>
internal static class InspectCommand
{
    private const int TableWidth = 200; // more than any row needs: what is printed must not follow from the terminal

    public static Command Create(ToolConsole console)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder of a checkpoint or a store." };
        var json = CommonOptions.Json();
        var command = new Command("inspect", "Shows architecture, parameters, sizes and precisions of a model without loading it.") { folder, json };
        command.SetAction(parsed =>
        {
            var inspection = CheckpointInspection.Read(parsed.GetRequiredValue(folder));
            if (parsed.GetValue(json))
                console.Out.WriteLine(Json(inspection));
            else
                Print(inspection, console);
            return DeepseekTool.Success;
        });
        return command.WithExamples("deepseek inspect ./DeepSeek-V2-Lite", "deepseek inspect ./DeepSeek-R1 --json", "deepseek inspect ./r1-store");
    }

    private static string Json(CheckpointInspection inspection) => JsonLines.Line(writer =>
    {
        var config = inspection.Config;
        writer.WriteString("architecture", config.Architecture.ToString());
        writer.WriteNumber("layers", config.LayerCount);
        writer.WriteNumber("hidden_size", config.HiddenSize);
        writer.WriteNumber("vocabulary_size", config.VocabularySize);
        writer.WriteNumber("max_positions", config.MaxPositions);
        writer.WriteNumber("routed_experts", config.Experts?.RoutedCount ?? 0);
        writer.WriteNumber("chosen_experts", config.Experts?.ChosenCount ?? 0);
        writer.WriteString("quantization", config.Quantization?.Method);
        writer.WriteNumber("parameters", inspection.Counts.Total);
        writer.WriteNumber("active_parameters", inspection.Counts.ActivePerToken);
        writer.WriteNumber("prediction_parameters", Prediction(inspection));
        writer.WriteNumber("bytes", inspection.Bytes);
        writer.WriteNumber("files", inspection.Files);
        writer.WriteStartArray("classes");
        foreach (var tensors in inspection.Classes)
        {
            writer.WriteStartObject();
            writer.WriteString("class", tensors.Part);
            writer.WriteString("precision", tensors.Precision);
            writer.WriteNumber("tensors", tensors.Tensors);
            writer.WriteNumber("parameters", tensors.Parameters);
            writer.WriteNumber("bytes", tensors.Bytes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    private static void Print(CheckpointInspection inspection, ToolConsole console)
    {
        var config = inspection.Config;
        WriteLine($"{config.Architecture}, {config.LayerCount} layers, hidden {config.HiddenSize}, vocabulary {config.VocabularySize}, {config.MaxPositions} positions");
        if (config.Experts is { } experts)
            WriteLine($"{experts.RoutedCount} routed experts, {experts.ChosenCount} chosen; {experts.SharedCount} shared");
        WriteLine($"{inspection.Counts.Total:N0} parameters, {inspection.Counts.ActivePerToken:N0} active a token");
        if (Prediction(inspection) is var prediction and > 0)
            WriteLine($"{prediction:N0} more in multi-token prediction");
        WriteLine($"{inspection.Bytes:N0} bytes in {inspection.Files} {(inspection.Files == 1 ? "file" : "files")}");

        var table = new Table().Border(TableBorder.Simple).AddColumns("class", "precision");
        foreach (var heading in new[] { "tensors", "parameters", "bytes" })
            table.AddColumn(heading, column => column.RightAligned());
        foreach (var tensors in inspection.Classes)
            table.AddRow(tensors.Part, tensors.Precision, Number(tensors.Tensors), Number(tensors.Parameters), Number(tensors.Bytes));
        var terminal = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(console.Out) });
        terminal.Profile.Width = TableWidth;
        terminal.Write(table);

        void WriteLine(FormattableString line) => console.Out.WriteLine(FormattableString.Invariant(line));
    }

    /// <summary>The multi-token-prediction layers as far as the files hold them; the model's published size leaves them out.</summary>
    private static long Prediction(CheckpointInspection inspection) => inspection.Classes.Where(tensors => tensors.Part == "prediction").Sum(tensors => tensors.Parameters);

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
