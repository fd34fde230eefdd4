using System.Text.Json;

namespace Deepseek.Cli;

/// <summary>One prompt of a run.</summary>
/// <param name="Where">Where it stands, for messages.</param>
/// <param name="Prompt">A text; null where there are ids.</param>
/// <param name="Ids">Token ids, at least one; null where there is a text.</param>
internal sealed record BatchLine(string Where, string? Prompt, int[]? Ids)
{
    /// <summary>Reads every line of a batch file that is not blank.</summary>
    /// <exception cref="InvalidDataException">A line is at fault; its number is named.</exception>
    public static List<BatchLine> ReadAll(string path)
    {
        var lines = JsonInput.Lines(path, Read);
        return lines.Count > 0 ? lines : throw new InvalidDataException($"{path} has no lines; it needs at least one object with \"prompt\" or \"ids\".");
    }

    private static BatchLine Read(JsonElement line, string where) => (JsonInput.Optional(line, "prompt"), JsonInput.Optional(line, "ids")) switch
    {
        ({ } text, null) => new(where, JsonInput.String(text, $"{where}: \"prompt\""), null),
        (null, { } list) => new(where, null, JsonInput.Ids(list, $"{where}: \"ids\"")),
        _ => throw new InvalidDataException($"{where} must have either \"prompt\" or \"ids\"."),
    };
}
