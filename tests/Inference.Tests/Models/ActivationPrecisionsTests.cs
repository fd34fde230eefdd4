using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;

namespace Deepseek.Inference.Tests.Models;

public sealed class ActivationPrecisionsTests
{
    [Fact]
    public void Names_AllPrecisions_ComeBack()
    {
        Assert.Equal(["fp32", "int16", "int8"], ActivationPrecisions.Names);
        Assert.All(Enum.GetValues<ActivationPrecision>(), precision =>
        {
            Assert.True(ActivationPrecisions.TryParse(precision.Name(), out var parsed));
            Assert.Equal(precision, parsed);
        });
    }

    [Theory]
    [InlineData("INT8")]
    [InlineData("")]
    [InlineData(null)]
    public void TryParse_OtherNames_AreUnknown(string? name)
    {
        Assert.False(ActivationPrecisions.TryParse(name, out _));
    }

    [Fact]
    public void Name_UnknownPrecision_IsRefused()
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => ((ActivationPrecision)9).Name());

        Assert.StartsWith("The precision is unknown; it must be Fp32, Int16 or Int8.", fault.Message, StringComparison.Ordinal);
    }
}
