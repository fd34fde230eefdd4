using Deepseek.Inference.Caching;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Tests.Models;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Compute;

/// <summary>On the CPU operations no bit depends on how a text was cut into passes.</summary>
public sealed class CpuCutsTests(SmallStores stores)
{
    /// <summary>Texts this long pass two places where attention splits, every 256 positions.</summary>
    private const int Long = 600;

    public static MatrixTheoryData<string, ActivationPrecision> Cases => new(SmallStores.Models, [ActivationPrecision.Fp32, ActivationPrecision.Int16, ActivationPrecision.Int8]);

    public static TheoryData<string> Models => [.. SmallStores.Models];

    [Theory, MemberData(nameof(Cases))]
    public async Task Forward_ShortText_GivesTheSameBitsWhereverItIsCut(string name, ActivationPrecision activations)
    {
        using var model = await stores.LoadAsync(name, activations);
        var ids = Fixture.Ids(11);

        foreach (var options in Passing.Caches(name))
        {
            var expected = Passing.Cut(model, ids, options);

            Passing.AssertSame(expected, Passing.Cut(model, ids, options, Passing.Everywhere(ids.Length)), $"{options}, token by token");
            foreach (var cut in Passing.Everywhere(ids.Length))
                Passing.AssertSame(expected, Passing.Cut(model, ids, options, cut), $"{options}, cut at {cut}");
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task Forward_LongText_GivesTheSameBitsTokenByToken(string name, ActivationPrecision activations)
    {
        using var model = await stores.LoadAsync(name, activations);
        var ids = Fixture.Ids(Long);

        var expected = Passing.Cut(model, ids, null);

        Passing.AssertSame(expected, Passing.Cut(model, ids, null, Passing.Everywhere(Long)), "token by token");
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_LongTextOverEveryCache_GivesTheSameBitsAroundTheSplits(string name)
    {
        using var model = await stores.LoadAsync(name);
        var ids = Fixture.Ids(Long);

        foreach (var options in Passing.Caches(name).Append(new CacheOptions { Window = new(300, 1) }))
        {
            var expected = Passing.Cut(model, ids, options);

            Passing.AssertSame(expected, Passing.Cut(model, ids, options, 255, 256, 257, 511, 512, 513), $"{options}, cut around the splits");
            Passing.AssertSame(expected, Passing.Cut(model, ids, options, 250, 520), $"{options}, cut across the splits");
        }
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_LongText_GivesTheSameBitsForRandomCuts(string name)
    {
        using var model = await stores.LoadAsync(name);
        var ids = Fixture.Ids(Long);
        var caches = Passing.Caches(name).ToArray();
        var expected = caches.Select(options => Passing.Cut(model, ids, options)).ToArray();
        var cases =
            from cache in Gen.Choose(0, caches.Length - 1)
            from count in Gen.Choose(1, 8)
            from cuts in Gen.ArrayOf(Gen.Choose(0, Long), count)
            select (cache, cuts: cuts.Order().ToArray());

        Prop.ForAll(
            cases.ToArbitrary(),
            one => Passing.AssertSame(expected[one.cache], Passing.Cut(model, ids, caches[one.cache], one.cuts), $"{caches[one.cache]}, cut at {string.Join(", ", one.cuts)}"))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(20).WithQuietOnSuccess(true).WithReplay(20250120, 1_000_003));
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_ChunksOfTheModel_GiveTheSameBits(string name)
    {
        using var whole = await stores.LoadAsync(name);
        using var inChunks = await stores.LoadAsync(name, chunk: 37);
        var ids = Fixture.Ids(300);

        Passing.AssertSame(Passing.Cut(whole, ids, null), Passing.Cut(inChunks, ids, null), "in chunks of 37");
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_TruncatedAndCopiedCaches_ContinueWithTheSameBits(string name)
    {
        using var model = await stores.LoadAsync(name);
        var ids = Fixture.Ids(300);

        foreach (var options in Passing.Caches(name))
        {
            var expected = Passing.Cut(model, ids, options);
            using var cache = model.CreateCache(options);
            _ = Passing.Cut(model, cache, [.. ids[..260], .. Fixture.Ids(90, seed: 7)]);
            cache.Truncate(260);
            using var copy = cache.Copy();

            // In turns: what the one appends must not reach the other.
            var first = Passing.Cut(model, cache, ids[260..280]);
            var other = Passing.Cut(model, copy, ids[260..], 5);
            var second = Passing.Cut(model, cache, ids[280..]);

            var width = model.Config.VocabularySize;
            Passing.AssertSame(expected[(260 * width)..], [.. first, .. second], $"{options}, cut back");
            Passing.AssertSame(expected[(260 * width)..], other, $"{options}, copied");
        }
    }
}
