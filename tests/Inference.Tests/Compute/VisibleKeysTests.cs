using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using Deepseek.Inference.Tests.Sampling;
using FsCheck.Fluent;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Compute;

public sealed class VisibleKeysTests
{
    [Fact]
    public void ReadAndMask_AnyWindow_ShowEachQueryWhatTheRuleSays() =>
        Rows.ForAll(
            from first in Gen.Choose(0, 20)
            from queries in Gen.Choose(1, 12)
            from recent in Gen.Choose(0, 15)
            from sink in Gen.Choose(0, 25)
            select (first, queries, window: recent == 0 ? null : new AttentionWindow(recent, sink)),
            one => AssertVisible(one.first, one.queries, one.window));

    [Fact]
    public void Read_Window_LeavesOutWhatNoQuerySees()
    {
        using var scope = NewDisposeScope();
        using var cache = Filled(1000);

        var read = new VisibleKeys(999, 1, new AttentionWindow(5, 2)).Read(cache, 0);

        Assert.Equal([0, 1, 995, 996, 997, 998, 999], read.ToArray<float>());
    }

    [Fact]
    public void Mask_OneQuery_IsNull() => Assert.Null(new VisibleKeys(40, 1, new AttentionWindow(5, 2)).Mask(CPU));

    private static void AssertVisible(int first, int queries, AttentionWindow? window)
    {
        using var scope = NewDisposeScope();
        using var cache = Filled(first + queries);
        var visible = new VisibleKeys(first, queries, window);

        var keys = visible.Read(cache, 0).ToArray<float>();
        var mask = visible.Mask(CPU)?.ToArray<float>() ?? new float[keys.Length];

        Assert.Equal(queries * keys.Length, mask.Length);
        for (var t = 0; t < queries; t++)
        {
            var position = first + t;
            var expected = Enumerable.Range(0, position + 1).Where(j => window is null || position - j < window.Recent || j < window.Sink);
            var seen = keys.Where((_, j) => mask[(t * keys.Length) + j] == 0).Select(key => (int)key);
            Assert.Equal(expected, seen);
        }
    }

    /// <summary>A cache whose values are the tokens' positions.</summary>
    private static LatentCache Filled(int tokens)
    {
        var cache = Passes.Cache(latent: 1, rope: 0);
        cache.Append(0, Passes.Counting(tokens, 1));
        cache.Advance(new int[tokens]);
        return cache;
    }
}
