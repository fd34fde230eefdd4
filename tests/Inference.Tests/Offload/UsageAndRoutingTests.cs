using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>What one run leaves to the next, and to the simulator.</summary>
[Collection(nameof(WholeProcess))]
public sealed class UsageAndRoutingTests(NanoStore store)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Load_UsageOfAnEarlierRun_WarmsFreeSlots()
    {
        using var home = new TemporaryFolder();
        var before = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", home.Path);
        try
        {
            var options = new ModelOptions { Threads = 2, LoadMultiTokenPrediction = false, Paging = new PagingOptions { Slots = 20, PinnedShare = 0.2 } };
            using (var first = await LanguageModel.LoadAsync(store.Folder, options, cancellationToken: Cancellation))
            {
                Assert.Equal(0, first.Paging!.Value.FilledSlots);
                Assert.Equal(store.ResidentBits, PagedModelTests.Bits(first));
            }

            Assert.Single(Directory.GetFiles(home.Path, "*.bin", SearchOption.AllDirectories));
            using var second = await LanguageModel.LoadAsync(store.Folder, options, cancellationToken: Cancellation);

            PagedExpertsTests.WaitFor(() => second.Paging!.Value.FilledSlots == 20 && second.Paging.Value.WarmedBytes == 20 * second.Paging.Value.RecordBytes);
            Assert.Equal(0, second.Paging!.Value.Misses);
            Assert.Equal(store.ResidentBits, PagedModelTests.Bits(second));
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_CACHE_HOME", before);
        }
    }

    [Fact]
    public async Task Forward_RoutingTrace_HoldsTheExpertsOfDecodedTokensAlone()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("routing.trace");
        var expected = new List<int>();
        var options = new ModelOptions { Threads = 2, LoadMultiTokenPrediction = false, Paging = new PagingOptions { Slots = 9, RememberUsage = false, RoutingTrace = file } };
        using (var model = await LanguageModel.LoadAsync(store.Folder, options, cancellationToken: Cancellation))
        using (var traced = await store.LoadAsync(null))
        {
            var ids = PagedModelTests.Ids(model, 12);
            using var cache = model.CreateCache();
            using var other = traced.CreateCache();
            model.Forward(ids.AsMemory(0, 9), cache, cancellationToken: Cancellation).Dispose();
            traced.Forward(ids.AsMemory(0, 9), other, cancellationToken: Cancellation).Dispose();
            for (var i = 9; i < 12; i++)
            {
                var trace = new ForwardTrace();
                model.Forward(ids.AsMemory(i, 1), cache, cancellationToken: Cancellation).Dispose();
                traced.Forward(ids.AsMemory(i, 1), other, trace: trace, cancellationToken: Cancellation).Dispose();
                expected.AddRange(trace.Experts.OrderBy(layer => layer.Key).SelectMany(layer => layer.Value));
            }
        }

        var recorded = RoutingTrace.Read(file);

        Assert.Equal((NanoStore.Layers, NanoStore.PerLayer, NanoStore.Chosen, 3), (recorded.Layers, recorded.ExpertsPerLayer, recorded.Chosen, recorded.Tokens));
        Assert.Equal(expected, Enumerable.Range(0, 3 * NanoStore.Layers).SelectMany(at => recorded.Experts(at / NanoStore.Layers, at % NanoStore.Layers).ToArray().Select(expert => (int)expert)));
    }

    [Fact]
    public async Task Forward_SoakAtTheSmallestBudget_GrowsNothingAndLosesNoSlot()
    {
        const int tokens = 20_000;
        const int length = 250;
        using var folder = new TemporaryFolder();
        await SmallModel.SynthesizeAsync(folder.Path);
        using var model = await LanguageModel.LoadAsync(
            folder.Path, new ModelOptions { Threads = 2, Paging = new PagingOptions { Slots = SmallModel.Chosen, RememberUsage = false } }, cancellationToken: Cancellation);
        var ids = PagedModelTests.Ids(model, length);
        var logits = new float[model.Config.VocabularySize];
        float[] first = [];
        var held = 0L;
        for (var token = 0; token < tokens; token += length)
        {
            using var cache = model.CreateCache();
            for (var i = 0; i < length; i++)
                model.Forward([new SequenceInput(ids.AsMemory(i, 1), cache)], logits, Cancellation);
            if (token == 0)
                first = [.. logits];
            Assert.Equal(first, logits);
            if (token == tokens / 4)
                held = AvailableMemory.Held();
        }

        var paging = model.Paging!.Value;
        Assert.Equal(SmallModel.Chosen, paging.FilledSlots);
        Assert.Equal((long)tokens * (SmallModel.Layers - 1) * SmallModel.Chosen, paging.Hits + paging.Misses);
        Assert.InRange(AvailableMemory.Held() - held, long.MinValue, 64L << 20); // the collector's heap, and other tests of the process
    }
}
