using Deepseek.Inference.Caching;

namespace Deepseek.Inference.Tests.Caching;

public sealed class CachePrecisionsTests
{
    [Fact]
    public void Names_AllPrecisions_ComeBack()
    {
        Assert.Equal(["fp32", "bf16", "fp16", "int16"], CachePrecisions.Names);
        Assert.All(Enum.GetValues<CachePrecision>(), precision =>
        {
            Assert.True(CachePrecisions.TryParse(precision.Name(), out var parsed));
            Assert.Equal(precision, parsed);
        });
    }

    [Theory]
    [InlineData("Int16")]
    [InlineData("")]
    [InlineData(null)]
    public void TryParse_OtherNames_AreUnknown(string? name)
    {
        Assert.False(CachePrecisions.TryParse(name, out _));
    }

    [Fact]
    public void Name_UnknownPrecision_IsRefused()
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => ((CachePrecision)9).Name());

        Assert.StartsWith("The precision is unknown; it must be Float32, BFloat16, Float16 or Int16.", fault.Message, StringComparison.Ordinal);
    }
}
