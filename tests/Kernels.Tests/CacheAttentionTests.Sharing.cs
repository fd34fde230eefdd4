namespace Deepseek.Inference.Kernels.Tests;

// What workers take.
public sealed partial class CacheAttentionTests
{
    [Theory]
    [InlineData(16, 33, 1, 2, true)]
    [InlineData(16, 768, 1, 2, true)]
    [InlineData(16, 1025, 1, 2, true)] // a position more than four splits
    [InlineData(16, 1025, 1, 5, true)]
    [InlineData(16, 1024, 1, 2, false)] // four
    [InlineData(16, 1000, 1, 2, false)] // four in nearly the same time
    [InlineData(16, 32, 1, 2, false)] // one group
    [InlineData(16, 300, 2, 2, false)]
    [InlineData(16, 300, 1, 1, false)]
    [InlineData(40, 601, 1, 4, true)] // two blocks with three splits each
    [InlineData(40, 601, 1, 3, false)]
    [InlineData(40, 1540, 1, 3, true)]
    [InlineData(16, 1_000_001, 1, 2, false)] // results of 3,907 splits, 10.5 KB each
    public unsafe void SharesGroups_OneTokenWhoseSplitsComeOutUneven_UnlessFloatsAreCopied(int heads, int positions, int tokens, int threads, bool expected)
    {
        Assert.Equal((expected, expected, false, false), (Shares(CacheFormat.Int16), Shares(CacheFormat.Fp32), Shares(CacheFormat.BF16), Shares(CacheFormat.Fp32, 70)));

        bool Shares(CacheFormat format, int width = 64)
        {
            AttentionCall call = new()
            {
                Shape = AttentionShape.Latent(heads, width, 32), Cache = new CachedRows(format, null, width + 32, null), Window = AttentionWindow.None, FirstPosition = positions - tokens, Tokens = tokens, BlockRows = 32,
            };
            return CacheAttention.SharesGroups(call, threads);
        }
    }

    [Theory]
    [InlineData(16, 300, 2, 0)]
    [InlineData(16, 330, 2, 2)] // more than five eighths of what two workers compute in whole splits
    [InlineData(16, 600, 2, 2)]
    [InlineData(16, 1024, 2, 4)]
    [InlineData(16, 1340, 2, 4)]
    [InlineData(16, 1350, 2, 6)]
    [InlineData(16, 4100, 8, 16)]
    [InlineData(16, 2000, 16, 0)]
    [InlineData(40, 601, 4, 2)] // of two blocks
    [InlineData(40, 601, 3, 3)]
    [InlineData(40, 1540, 3, 6)]
    [InlineData(16, 99_900, 2, 4, 600, 4)] // seen are the first split and the last four
    [InlineData(16, 1536, 8, 0, 512, 0)]
    public void WholeSplits_AsManyAsComeOutEven_OrAll(int heads, int positions, int threads, int expected, int recent = int.MaxValue, int sink = 0)
    {
        var call = CallOf(heads, positions, recent, sink);

        Assert.Equal(expected, CacheAttention.WholeSplits(call, threads));
    }

    [Theory]
    [InlineData(1000, int.MaxValue, 0, "0 1 2 3")]
    [InlineData(1000, 300, 0, "2 3")]
    [InlineData(1000, 232, 0, "3")]
    [InlineData(1000, 300, 1, "0 2 3")]
    [InlineData(1000, 300, 257, "0 1 2 3")]
    [InlineData(1000, 300, 5000, "0 1 2 3")]
    [InlineData(1, 1, 4, "0")]
    public void SeenSplits_Window_AreThoseOfWhichTheTokenSeesSomething(int positions, int recent, int sink, string expected)
    {
        var call = CallOf(16, positions, recent, sink);

        Assert.Equal(expected, string.Join(' ', Enumerable.Range(0, call.SeenSplits).Select(seen => call.SplitAt(seen))));
        Assert.Equal(expected, string.Join(' ', Enumerable.Range(0, call.Splits).Where(split => !call.Visible(0, split).IsEmpty)));
    }

    private static AttentionCall CallOf(int heads, int positions, int recent, int sink) =>
        new() { Shape = AttentionShape.Latent(heads, 64, 32), Window = new AttentionWindow(recent, sink), FirstPosition = positions - 1, Tokens = 1, BlockRows = 32 };
}
