using Deepseek.Inference.Compute;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>The small models whose logits transformers computed, on the operations that a test asks for.</summary>
internal static class GoldenModel
{
    /// <summary>What every check of a model runs on.</summary>
    public static readonly ComputeOperations[] Operations = [ComputeOperations.Cpu, ComputeOperations.Torch];

    public static string Folder(string name) => Path.Combine(TestPaths.Fixtures, name);

    public static Golden Open(string name) => new(Path.Combine(Folder(name), "golden.safetensors"));

    public static Task<LanguageModel> LoadAsync(string name, ComputeOperations operations, ModelOptions? options = null) =>
        LoadFromAsync(Folder(name), operations, options);

    /// <summary>Loads a folder, and sees that what was asked for computes.</summary>
    public static async Task<LanguageModel> LoadFromAsync(string folder, ComputeOperations operations, ModelOptions? options = null)
    {
        var model = await LanguageModel.LoadAsync(folder, (options ?? new ModelOptions()) with { Operations = operations }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(operations == ComputeOperations.Cpu, model.ComputesOnKernels);
        return model;
    }
}
