using System.Text.Json;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests;

/// <summary>A question of nano's evaluation set, with what the reference answered.</summary>
internal sealed record Question(int[] Prompt, int[] Reference, string Answer);

/// <summary>The evaluation set of nano.</summary>
internal static class Evaluation
{
    public static IReadOnlyList<Question> Questions(int count) => [.. File.ReadLines(Path.Combine(TestPaths.Nano, "eval.jsonl")).Take(count).Select(line =>
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        return new Question(Ids(root, "prompt_ids"), Ids(root, "reference_ids"), root.GetProperty("reference_answer").GetString()!);
    })];

    private static int[] Ids(JsonElement line, string name) => [.. line.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
