using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Compute;

namespace Deepseek.Inference.Tests.Models;

/// <summary>In what precision a model's caches are made.</summary>
public sealed class CacheDefaultsTests(SmallStores stores)
{
    /// <summary>A step of the whole numbers is 3e-5 of a row's largest value; where sums are rounded otherwise, a value may fall on the next one.</summary>
    private const double Tolerance = 1e-3;

    [Theory]
    [InlineData("v3 store", ComputeOperations.Automatic, CachePrecision.Int16)]
    [InlineData("v2 store", ComputeOperations.Cpu, CachePrecision.Int16)]
    [InlineData("v3 store", ComputeOperations.Torch, CachePrecision.Float32)]
    [InlineData("dense store", ComputeOperations.Cpu, CachePrecision.Float32)]
    [InlineData("v3-fp8", ComputeOperations.Cpu, CachePrecision.Float32)]
    [InlineData("distill-llama", ComputeOperations.Cpu, CachePrecision.Float32)]
    public async Task CreateCache_PrecisionLeftOpen_FollowsWeightsAndOperations(string name, ComputeOperations operations, CachePrecision expected)
    {
        using var model = await LoadAsync(name, operations);

        using var cache = model.CreateCache();
        using var windowed = model.CreateCache(new CacheOptions { Window = new AttentionWindow(3) });
        using var chosen = model.CreateCache(new CacheOptions { Precision = CachePrecision.Float16 });

        Assert.Equal((expected, expected, CachePrecision.Float16), (cache.Options.Precision, windowed.Options.Precision, chosen.Options.Precision));
    }

    [Theory]
    [InlineData(ComputeOperations.Cpu)]
    [InlineData(ComputeOperations.Torch)]
    public async Task CreateCache_Int16OfGroupedQueries_IsRefused(ComputeOperations operations)
    {
        using var model = await LoadAsync("distill-llama", operations);

        var fault = Assert.Throws<ArgumentException>(() => model.CreateCache(new CacheOptions { Precision = CachePrecision.Int16 }));

        Assert.Equal("CacheOptions: Precision is Int16; whole numbers are kept of latent attention on a CPU alone. Use Float32, BFloat16 or Float16.", fault.Message);
    }

    [Theory]
    [InlineData(ComputeOperations.Cpu)]
    [InlineData(ComputeOperations.Torch)]
    public async Task Forward_BatchOverInt16_EqualsEachAlone(ComputeOperations operations)
    {
        using var model = await LoadAsync("v3-fp8", operations);
        var options = new CacheOptions { Precision = CachePrecision.Int16 };
        int[][] texts = [Fixture.Ids(7), Fixture.Ids(40, seed: 2), Fixture.Ids(1, seed: 3)];
        var caches = texts.Select(_ => model.CreateCache(options)).ToArray();

        using var logits = model.Forward([.. texts.Zip(caches, (text, cache) => new SequenceInput(text, cache))]);

        Fixture.AssertClose([.. texts.SelectMany(text => Fixture.Logits(model, text, options: options))], logits.ToArray<float>(), Tolerance);
        Array.ForEach(caches, cache => cache.Dispose());
    }

    private async Task<LanguageModel> LoadAsync(string name, ComputeOperations operations) =>
        await LanguageModel.LoadAsync(stores.Folder(name), new ModelOptions { Operations = operations }, cancellationToken: TestContext.Current.CancellationToken);
}
