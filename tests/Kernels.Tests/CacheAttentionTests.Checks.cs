namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe partial class CacheAttentionTests
{
    private static readonly AttentionShape Latent = AttentionShape.Latent(2, 32, 8);

    [Fact]
    public void Run_WindowWithoutRecentPositions_SaysWhatAQuerySees()
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => Run(Latent, CacheFormat.Fp32, window: new AttentionWindow(0, 4)));

        Assert.StartsWith("A query sees at least 1 recent position, its own, and 0 or more first ones.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_RowsCloserThanTheyAreWide_SaysWhereTheyEnd()
    {
        var fault = Assert.Throws<ArgumentException>(() => Run(Latent, CacheFormat.Fp32, stride: 39));

        Assert.StartsWith("The cache's stride is 39 elements; it must be at least 40, where the shape's last key or value ends.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_WholeNumbersOfGroups_SaysWhatTheyServe()
    {
        var fault = Assert.Throws<ArgumentException>(() => Run(AttentionShape.Grouped(2, 1, 8), CacheFormat.Int16));

        Assert.Contains("a cache of whole numbers serves latent attention alone: one group, whose value is the first part of its key.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_TokensThatOverlap_SaysWhereTheNextBegins()
    {
        var queries = Assert.Throws<ArgumentOutOfRangeException>(() => Run(Latent, CacheFormat.Fp32, tokens: 2, queryStride: 79));
        var outputs = Assert.Throws<ArgumentOutOfRangeException>(() => Run(Latent, CacheFormat.Fp32, tokens: 2, outputStride: 63));

        Assert.StartsWith("A token has 2 queries of 40 elements; the next token's must begin after them.", queries.Message, StringComparison.Ordinal);
        Assert.StartsWith("A token has 2 outputs of 32 elements; the next token's must begin after them.", outputs.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_NoTokens_DoesNothing() => Run(Latent, CacheFormat.Fp32, tokens: 0);

    [Fact]
    public void Run_AfterDispose_Throws()
    {
        using var team = new ThreadTeam(1);
        var attention = new CacheAttention();
        attention.Dispose();
        attention.Dispose();

        Assert.Throws<ObjectDisposedException>(() => attention.Add(Latent, default, 0, 0, null, 0, 1, AttentionWindow.None, null, 0));
        Assert.Throws<ObjectDisposedException>(() => attention.Run(team));
    }

    private static void Run(AttentionShape shape, CacheFormat format, int tokens = 1, long stride = 40, long queryStride = 80, long outputStride = 64, AttentionWindow? window = null)
    {
        using var team = new ThreadTeam(1);
        using var attention = new CacheAttention();
        fixed (float* memory = new float[1000])
        {
            attention.Add(shape, new CachedRows(format, memory, stride, memory), 0, tokens, memory, queryStride, 1, window ?? AttentionWindow.None, memory, outputStride);
            attention.Run(team);
        }
    }
}
