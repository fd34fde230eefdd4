using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>The one setting that changes answers: routers that lean towards experts in memory.</summary>
public sealed class CachePreferenceTests(NanoStore store, Nano nano)
{
    private const int Slots = NanoStore.Experts / 4;

    [Fact]
    public async Task Forward_NoPreference_IsExact()
    {
        using var exact = await store.LoadAsync(Slots, paging: new PagingOptions { CachePreference = 0 });

        Assert.Equal(store.ResidentBits, PagedModelTests.Bits(exact));
    }

    [Fact]
    public async Task Forward_AllExpertsInMemory_PreferenceIsOfNoAccount()
    {
        using var resident = await store.LoadAsync(null, paging: new PagingOptions { CachePreference = 1 });

        Assert.Equal(store.ResidentBits, PagedModelTests.Bits(resident));
    }

    [Fact]
    public async Task Measure_GrowingPreference_MissesLessAndDivergesMore()
    {
        var text = new TextRuns([[0, .. nano.Prose(string.Concat(Enumerable.Repeat("The little dog ran to the river and saw a big fish. ", 12))).Take(150)]]);
        using var exact = await store.LoadAsync(null);
        List<(double Divergence, double Misses)> found = [];
        foreach (var preference in (double[])[0.05, 0.3, 1])
        {
            using var leaning = await store.LoadAsync(Slots, paging: new PagingOptions { CachePreference = preference });
            var comparison = ModelComparison.Measure(exact, leaning, text, cancellationToken: TestContext.Current.CancellationToken);
            found.Add((comparison.Divergence, 1 - leaning.Paging!.Value.HitRate));
        }

        Assert.Equal(found.Select(one => one.Divergence).Order(), found.Select(one => one.Divergence));
        Assert.Equal(found.Select(one => one.Misses).OrderDescending(), found.Select(one => one.Misses));
        Assert.True(found[^1].Misses < 0.75 * found[0].Misses, $"A strong preference saves few reads: {string.Join(", ", found)}.");
        Assert.True(found[^1].Divergence > 0);
    }

    [Theory]
    [InlineData(-0.1, "-0.1")]
    [InlineData(1.5, "1.5")]
    [InlineData(double.NaN, "NaN")]
    public void Validate_PreferenceOutOfRange_Throws(double preference, string shown)
    {
        var fault = Assert.Throws<ArgumentException>(new ModelOptions { Paging = new PagingOptions { CachePreference = preference } }.Validate);

        Assert.Equal($"ModelOptions: CachePreference is {shown}; it must be 0 (exact) to 1.", fault.Message);
    }
}
