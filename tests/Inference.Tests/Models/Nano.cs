using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests.Models;

[assembly: AssemblyFixture(typeof(Nano))]

namespace Deepseek.Inference.Tests.Models;

/// <summary>The embedded model, loaded once for all tests.</summary>
public sealed class Nano : IAsyncLifetime
{
    private static readonly Lazy<int[][]> LazyPrompts = new(ReadPrompts);

    public TextGenerator Generator { get; private set; } = null!;

    public LanguageModel Model => Generator.Model;

    /// <summary>Prompts of the evaluation set, with the chat template applied.</summary>
    public static int[][] Prompts => LazyPrompts.Value;

    /// <summary>The beginning of a plain text, which the model can continue in many ways.</summary>
    public int[] Prose(string text) => [.. Generator.Raw(text).Ids];

    public async ValueTask InitializeAsync() => Generator = await TextGenerator.LoadAsync(TestPaths.Nano);

    public ValueTask DisposeAsync()
    {
        Generator?.Dispose();
        return ValueTask.CompletedTask;
    }

    private static int[][] ReadPrompts()
    {
        List<int[]> prompts = [];
        foreach (var line in File.ReadLines(Path.Combine(TestPaths.Nano, "eval.jsonl")))
        {
            using var document = JsonDocument.Parse(line);
            prompts.Add([.. document.RootElement.GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32())]);
        }

        return [.. prompts];
    }
}
