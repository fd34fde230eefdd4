using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Compute;
using Deepseek.Inference.Tests.Configuration;
using Deepseek.Inference.Tests.Models;

[assembly: AssemblyFixture(typeof(SmallStores))]

namespace Deepseek.Inference.Tests.Compute;

/// <summary>Stores of random weights, each made when a test first asks for it, and models over them on the CPU operations.</summary>
public sealed class SmallStores : IDisposable
{
    private readonly Dictionary<string, TemporaryFolder> _folders = [];

    /// <summary>Every kind of weights and of attention that the CPU operations know: a name with "store" is a store, any other a checkpoint of the fixtures.</summary>
    public static IReadOnlyList<string> Models { get; } = ["v3 store", "v2 store", "dense store", "v3-fp8", "distill-llama"];

    /// <summary>Those with latent attention, whose cache may hold whole numbers.</summary>
    public static bool IsLatent(string model) => model is "v3 store" or "v2 store" or "v3-fp8";

    /// <summary>Loads a model.</summary>
    public async Task<LanguageModel> LoadAsync(string model, ActivationPrecision activations = ActivationPrecision.Int16, int? threads = null, int? chunk = null)
    {
        var options = new ModelOptions { Operations = ComputeOperations.Cpu, Activations = activations, Threads = threads, ChunkSize = chunk };
        return await LanguageModel.LoadAsync(Folder(model), options, cancellationToken: TestContext.Current.CancellationToken);
    }

    /// <summary>A model's folder.</summary>
    public string Folder(string model)
    {
        if (!model.EndsWith("store", StringComparison.Ordinal))
            return Fixture.Folder(model);

        lock (_folders)
        {
            if (!_folders.TryGetValue(model, out var folder))
            {
                folder = new TemporaryFolder();
                Task.Run(() => StoreSynthesizer.SynthesizeAsync(Config(model), folder.Path, new SyntheticOptions { Seed = 20250120 })).GetAwaiter().GetResult();
                _folders.Add(model, folder);
            }

            return folder.Path;
        }
    }

    public void Dispose()
    {
        foreach (var folder in _folders.Values)
            folder.Dispose();
    }

    // Sizes on both sides of the blocks of 64 and of what a vector holds, so that every path has its ragged end.
    private static Inference.Configuration.ModelConfig Config(string model) => model switch
    {
        "v3 store" => ConfigText.Parse(
            "v3-bf16", ("hidden_size", "192"), ("intermediate_size", "200"), ("moe_intermediate_size", "136"), ("q_lora_rank", "72"), ("kv_lora_rank", "96"), ("n_routed_experts", "12"),
            ("num_experts_per_tok", "3")),
        "v2 store" => ConfigText.Parse("v2-lite", ("hidden_size", "128"), ("moe_intermediate_size", "64"), ("kv_lora_rank", "64"), ("num_attention_heads", "3"), ("num_key_value_heads", "3")),
        _ => ConfigText.Parse("distill-qwen2", ("hidden_size", "128"), ("intermediate_size", "168")),
    };
}
