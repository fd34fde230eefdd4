namespace Deepseek.Cli;

/// <summary>One line of a batch file.</summary>
/// <param name="Prompt">A text; null where there are ids.</param>
/// <param name="Ids">Token ids; null where there is a text.</param>
internal sealed record BatchLine(string? Prompt, int[]? Ids)
{
    /// <summary>Reads every line that is not blank.</summary>
    /// <exception cref="InvalidDataException">A line is at fault; its number is named.</exception>
    public static List<BatchLine> ReadAll(FileInfo file)
    {
        var lines = JsonInput.Lines(file, (line, where) =>
        {
            var (prompt, ids) = (JsonInput.Optional(line, "prompt"), JsonInput.Optional(line, "ids"));
            return (prompt, ids) switch
            {
                ({ } text, null) => new BatchLine(JsonInput.Text(text, $"{where}: \"prompt\""), null),
                (null, { } list) => new BatchLine(null, JsonInput.Ids(list, $"{where}: \"ids\"")),
                _ => throw new InvalidDataException($"{where} must have either \"prompt\" or \"ids\"."),
            };
        });
        return lines.Count > 0 ? lines : throw new InvalidDataException($"{file} has no lines; it needs at least one object with \"prompt\" or \"ids\".");
    }
}
