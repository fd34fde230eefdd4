using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Offload;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>Guesses of later layers' experts, by what a paged model's disk was told.</summary>
public sealed class ForesightTests(NanoStore store)
{
    [Fact]
    public async Task Guess_TextThatGoesOn_GivesHintsThatMostlyComeTrue()
    {
        using var model = await store.LoadAsync(NanoStore.Experts / 2, paging: new PagingOptions { Prefetch = true });
        Decode(model, 150);

        var paging = model.Paging!.Value;

        Assert.True(paging.Prefetches > 4, $"Only {paging.Prefetches} hints were followed.");
        Assert.True(paging.PrefetchAccuracy > 0.5, $"Of the hints {paging.PrefetchAccuracy:p0} came true.");
    }

    [Fact]
    public async Task Guess_FirstTokens_GivesNoHintYet()
    {
        using var model = await store.LoadAsync(NanoStore.Experts / 2, paging: new PagingOptions { Prefetch = true });
        Decode(model, 4);

        Assert.Equal(0, model.Paging!.Value.Prefetches);
    }

    [Fact]
    public async Task Guess_PrefetchOff_ReadsOnlyWhatIsDemanded()
    {
        using var model = await store.LoadAsync(NanoStore.Experts / 2, paging: new PagingOptions { Prefetch = false });
        Decode(model, 100);

        var paging = model.Paging!.Value;
        Assert.Equal((0, paging.Misses * paging.RecordBytes), (paging.PrefetchedBytes, paging.DemandedBytes));
    }

    [Fact]
    public async Task Guess_DecodedToken_AllocatesNothingMore()
    {
        using var model = await store.LoadAsync(NanoStore.Experts / 2, paging: new PagingOptions { Prefetch = true });
        var logits = new float[model.Config.VocabularySize];
        using var cache = model.CreateCache();
        var ids = PagedModelTests.Ids(model, 200);
        SequenceInput[][] inputs = [.. ids.Select((_, i) => new[] { new SequenceInput(ids.AsMemory(i, 1), cache) })];
        for (var i = 0; i < 150; i++)
            model.Forward(inputs[i], logits, TestContext.Current.CancellationToken);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 150; i < 200; i++)
            model.Forward(inputs[i], logits, TestContext.Current.CancellationToken);

        // Weights of a slot are laid out when it is first used; the cache's list of tokens may grow once.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
    }

    private static void Decode(LanguageModel model, int tokens)
    {
        using var cache = model.CreateCache();
        foreach (var id in PagedModelTests.Ids(model, tokens))
            model.Forward(new[] { id }, cache, cancellationToken: TestContext.Current.CancellationToken).Dispose();
    }
}
