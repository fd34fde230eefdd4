using Deepseek.Inference.Compute;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Tests;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>Perplexities of the embedded model against those that transformers gave (the model's README).</summary>
public sealed class PerplexityTests
{
    [Theory]
    [InlineData(ComputeOperations.Cpu, "held-out-tasks.txt", null, 2.26284, 8377)]
    [InlineData(ComputeOperations.Cpu, "held-out-prose.txt", 12000, 48.5322, 12000)]
    [InlineData(ComputeOperations.Torch, "held-out-tasks.txt", null, 2.26284, 8377)]
    [InlineData(ComputeOperations.Torch, "held-out-prose.txt", 12000, 48.5322, 12000)]
    public async Task Measure_HeldOutText_EqualsReference(ComputeOperations operations, string file, int? maxTokens, double expected, int tokens)
    {
        using var model = await GoldenModel.LoadFromAsync(TestPaths.Nano, operations);
        var text = await File.ReadAllTextAsync(Path.Combine(TestPaths.Nano, file), TestContext.Current.CancellationToken);
        var runs = TextRuns.Cut(text, DeepseekTokenizer.Load(TestPaths.Nano), maxTokens: maxTokens);

        var perplexity = Perplexity.Measure(model, runs, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(tokens, perplexity.Tokens);
        Assert.InRange(perplexity.Value, expected * 0.9999, expected * 1.0001); // printed with six digits
    }
}
