using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests.Models;

[assembly: AssemblyFixture(typeof(Nano))]

namespace Deepseek.Inference.Tests.Models;

/// <summary>The embedded model, loaded once, for the first test that needs it.</summary>
public sealed class Nano : IDisposable
{
    private readonly Lazy<TextGenerator> _generator = new(() => Task.Run(() => TextGenerator.LoadAsync(TestPaths.Nano)).GetAwaiter().GetResult());

    private static readonly Lazy<int[][]> LazyPrompts = new(ReadPrompts);

    public TextGenerator Generator => _generator.Value;

    public LanguageModel Model => Generator.Model;

    /// <summary>Prompts of the evaluation set, with the chat template applied.</summary>
    public static int[][] Prompts => LazyPrompts.Value;

    /// <summary>The beginning of a plain text, which the model can continue in many ways.</summary>
    public int[] Prose(string text) => [.. Generator.Raw(text).Ids];

    public void Dispose()
    {
        if (_generator.IsValueCreated)
            Generator.Dispose();
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
