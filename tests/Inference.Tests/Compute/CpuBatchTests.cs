using Deepseek.Inference.Caching;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Models;
using TorchSharp;

namespace Deepseek.Inference.Tests.Compute;

/// <summary>On the CPU operations no bit depends on the sequences beside, on other callers, or on the number of threads.</summary>
[Collection(nameof(WholeProcess))] // a model's number of threads is libtorch's, too
public sealed class CpuBatchTests(SmallStores stores)
{
    // Tokens that the caches hold, and new ones beside them: decoding, prompts, and both across the place where attention splits.
    private static readonly (int Held, int New)[] Shapes = [(0, 1), (250, 1), (255, 1), (256, 1), (300, 1), (0, 7), (0, 300), (3, 130), (250, 12)];

    // The first shapes, of one new token each.
    private const int Decoding = 5;

    public static MatrixTheoryData<string, ActivationPrecision> Cases => new(SmallStores.Models, [ActivationPrecision.Fp32, ActivationPrecision.Int16, ActivationPrecision.Int8]);

    public static TheoryData<string> Models => [.. SmallStores.Models];

    [Theory, MemberData(nameof(Cases))]
    public async Task Forward_Batch_GivesEachSequenceTheBitsThatItHasAlone(string name, ActivationPrecision activations)
    {
        using var model = await stores.LoadAsync(name, activations);

        AssertSameAlone(model, null);
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_BatchOverEveryCache_GivesEachSequenceTheBitsThatItHasAlone(string name)
    {
        using var model = await stores.LoadAsync(name);

        foreach (var options in Passing.Caches(name))
            AssertSameAlone(model, options);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Forward_AnyNumberOfThreads_GivesTheSameBits(string name, ActivationPrecision activations)
    {
        var results = new[] { 1, 2, 3, 5 }.ToDictionary(threads => threads, threads => OnThread(() =>
        {
            using var model = stores.LoadAsync(name, activations, threads).GetAwaiter().GetResult();
            return (float[])[.. Passing.Cut(model, Fixture.Ids(300), null, 290, 291, 292), .. Sequences(model, null, batch => Rows(model, batch))];
        }));

        foreach (var (threads, logits) in results)
            Passing.AssertSame(results[1], logits, $"{threads} threads");
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_SeveralCallersAtOnce_GiveTheBitsOfEachAlone(string name)
    {
        using var model = await stores.LoadAsync(name);
        var texts = Enumerable.Range(1, 4).Select(seed => Fixture.Ids(60 + (90 * (seed % 2)), seed)).ToArray();
        var expected = texts.Select(text => Passing.Cut(model, text, null, text.Length - 20)).ToArray();

        var together = new float[texts.Length][];
        await Task.WhenAll(texts.Select((text, i) => Task.Run(() => together[i] = Passing.Cut(model, text, null, [.. Enumerable.Range(text.Length - 20, 20)]))));

        Assert.All(Enumerable.Range(0, texts.Length), i => Passing.AssertSame(expected[i], together[i], $"text {i}"));
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_IntoASpan_GivesTheBitsOfTheTensor(string name)
    {
        using var model = await stores.LoadAsync(name);

        var expected = Sequences(model, null, batch => Rows(model, batch));
        var actual = Sequences(model, null, batch =>
        {
            var logits = new float[batch.Length * model.Config.VocabularySize];
            model.Forward(batch, logits, TestContext.Current.CancellationToken);
            return logits;
        });

        Passing.AssertSame(expected, actual, "into a span");
    }

    private static void AssertSameAlone(LanguageModel model, CacheOptions? options)
    {
        var width = model.Config.VocabularySize;

        var expected = Sequences(model, options, batch => [.. batch.SelectMany(one => Rows(model, [one]))]);
        var together = Sequences(model, options, batch => Rows(model, batch));
        var reversed = Sequences(model, options, batch => Rows(model, [.. batch.Reverse()]));
        var decoding = Sequences(model, options, batch => Rows(model, batch[..Decoding]));

        Passing.AssertSame(expected, together, $"{options}, together");
        Passing.AssertSame(expected, [.. reversed.Chunk(width).Reverse().SelectMany(row => row)], $"{options}, in reverse");
        Passing.AssertSame(expected[..(Decoding * width)], decoding, $"{options}, those that decode");
    }

    /// <summary>Fills caches and hands out what comes next.</summary>
    private static float[] Sequences(LanguageModel model, CacheOptions? options, Func<SequenceInput[], float[]> run)
    {
        var caches = Shapes.Select(_ => model.CreateCache(options)).ToArray();
        try
        {
            var batch = new SequenceInput[Shapes.Length];
            for (var i = 0; i < batch.Length; i++)
            {
                var (held, fresh) = Shapes[i];
                var ids = Fixture.Ids(held + fresh, seed: i + 1);
                if (held > 0)
                    model.Forward(ids.AsMemory(0, held), caches[i]).Dispose();
                batch[i] = new SequenceInput(ids.AsMemory(held, fresh), caches[i]);
            }

            return run(batch);
        }
        finally
        {
            foreach (var cache in caches)
                cache.Dispose();
        }
    }

    private static float[] Rows(LanguageModel model, SequenceInput[] batch)
    {
        using var logits = model.Forward(batch);
        return logits.ToArray<float>();
    }

    /// <summary>Computes on a thread of its own, and leaves to later ones the number of threads that they would have begun with.</summary>
    private static float[] OnThread(Func<float[]> function) => Task.Factory.StartNew(
        () =>
        {
            var before = torch.get_num_threads();
            try
            {
                return function();
            }
            finally
            {
                torch.set_num_threads(before);
            }
        },
        TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).GetAwaiter().GetResult();
}
