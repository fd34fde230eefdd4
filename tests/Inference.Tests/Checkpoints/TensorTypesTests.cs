using Deepseek.Inference.Checkpoints;

namespace Deepseek.Inference.Tests.Checkpoints;

public sealed class TensorTypesTests
{
    [Theory]
    [InlineData(TensorType.F64, "F64", 8)]
    [InlineData(TensorType.F32, "F32", 4)]
    [InlineData(TensorType.F16, "F16", 2)]
    [InlineData(TensorType.BF16, "BF16", 2)]
    [InlineData(TensorType.F8E4M3, "F8_E4M3", 1)]
    [InlineData(TensorType.F8E5M2, "F8_E5M2", 1)]
    [InlineData(TensorType.F8E8M0, "F8_E8M0", 1)]
    [InlineData(TensorType.I64, "I64", 8)]
    [InlineData(TensorType.I32, "I32", 4)]
    [InlineData(TensorType.I16, "I16", 2)]
    [InlineData(TensorType.I8, "I8", 1)]
    [InlineData(TensorType.U64, "U64", 8)]
    [InlineData(TensorType.U32, "U32", 4)]
    [InlineData(TensorType.U16, "U16", 2)]
    [InlineData(TensorType.U8, "U8", 1)]
    [InlineData(TensorType.Bool, "BOOL", 1)]
    public void NameAndSize_EveryType_AreThoseOfTheFormat(TensorType type, string name, int size)
    {
        Assert.Equal((name, size), (type.Name(), type.Size()));
        Assert.True(TensorTypes.TryParse(name, out var parsed));
        Assert.Equal(type, parsed);
    }

    [Fact]
    public void NameAndSize_UnknownType_Throw()
    {
        Assert.Throws<ArgumentOutOfRangeException>("type", () => ((TensorType)99).Size());
        Assert.Throws<ArgumentOutOfRangeException>("type", () => ((TensorType)99).Name());
        Assert.False(TensorTypes.TryParse("f32", out _));
    }

    [Fact]
    public void NameAndSize_AllMembers_AreCovered()
    {
        Assert.All(Enum.GetValues<TensorType>(), type => Assert.True(type.Size() > 0 && type.Name().Length > 0));
    }
}
