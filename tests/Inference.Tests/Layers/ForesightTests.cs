using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Offload;
using TorchSharp;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>Guesses of later layers' experts, by what a paged model's disk was told.</summary>
public sealed class ForesightTests(NanoStore store)
{
    private const int Layer = 2;
    private const int Hidden = 64;

    private static readonly ExpertConfig Config =
        new(16, 1, 4, 32, 0, 1, 1, 1, RoutingMethod.SigmoidNoAuxiliaryLoss, Renormalise: true, Scale: 1);

    [Theory]
    [InlineData(0, 4)]
    [InlineData(0.05, 4)]
    [InlineData(0.3, 2)] // the ranks that count most only
    public void Guess_StreamThatChangesLittle_GivesHintsThatMostlyComeTrue(double change, int ranks)
    {
        var (hints, right, longest) = Follow(change, tokens: 600);

        Assert.InRange(longest, ranks, Config.ChosenCount);
        Assert.True(right > 0.78 * hints, $"Of {hints} hints {right} came true.");
    }

    [Fact]
    public void Guess_StreamThatTurnsOver_GivesNoHints() => Assert.Equal((0, 0, 0), Follow(change: 30, tokens: 600));

    [Fact]
    public async Task Guess_PrefetchOn_DiskFollowsHints()
    {
        using var model = await store.LoadAsync(NanoStore.Experts / 2, paging: new PagingOptions { Prefetch = true });

        // Only a disk with nothing else to do follows them: when, depends on the machine.
        for (var run = 0; run < 40 && model.Paging!.Value.Prefetches == 0; run++)
            Decode(model, 100);

        var paging = model.Paging!.Value;
        Assert.True(paging.Prefetches > 0, "No hint was followed.");
        Assert.InRange(paging.PrefetchesUsed, 0, paging.Prefetches);
        Assert.InRange(paging.PrefetchedBytes, 0, paging.Prefetches * paging.RecordBytes);
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

    /// <summary>Guesses from a residual stream, then lets the router choose from what it has become.</summary>
    /// <param name="change">The standard deviation of what is added in between; the stream's own is 1.</param>
    /// <param name="tokens">Tokens, of streams that have nothing to do with each other.</param>
    /// <returns>Hints in all, those that came true, and the most for a token.</returns>
    private static unsafe (int Hints, int Right, int Longest) Follow(double change, int tokens)
    {
        var random = new Random(1);
        using var passes = new CpuPasses();
        using var norm = new RmsNorm(torch.ones(Hidden), 1e-6);
        using var router = new ExpertRouter(Config, Passes.Matrix(random, Config.RoutedCount, Hidden), new float[Config.RoutedCount]);
        var source = new ShuffledExperts([], null);
        var foresight = new Foresight(Layer, norm, router, source);
        var (hints, right, longest) = (0, 0, 0);

        for (var token = 0; token < tokens; token++)
        {
            passes.Run(1, Hidden, pass =>
            {
                var stream = new Span<float>(pass.Stream, Hidden);
                Passes.NormalValues(random, Hidden).CopyTo(stream);
                foresight.Guess(pass);

                var added = Passes.NormalValues(random, Hidden);
                for (var i = 0; i < Hidden; i++)
                    stream[i] += (float)change * added[i];
                pass.Routing.Reserve(1, Config.RoutedCount, Config.ChosenCount, Hidden, shared: false);
                pass.Norm(norm, rounded: false);
                router.Forward(pass, Layer, source);
                foresight.Judge(pass.Routing);

                hints += source.Hints.Length;
                right += source.Hints.Intersect(pass.Routing.Distinct.ToArray()).Count();
                longest = Math.Max(longest, source.Hints.Length);
            });
        }

        return (hints, right, longest);
    }

    private static void Decode(LanguageModel model, int tokens)
    {
        using var cache = model.CreateCache();
        foreach (var id in PagedModelTests.Ids(model, tokens))
            model.Forward(new[] { id }, cache, cancellationToken: TestContext.Current.CancellationToken).Dispose();
    }
}
