using Deepseek.Inference.Evaluation;

namespace Deepseek.Inference.Tests.Evaluation;

public sealed class PeakMemoryTests
{
    [Fact]
    public void Read_ThisProcess_IsSeveralMegabytes()
    {
        Assert.True(PeakMemory.Read() > 1 << 22);
    }

    [Fact]
    public void Parse_StatusFile_TakesTheHighWaterMark()
    {
        Assert.Equal(345_678L * 1024, PeakMemory.Parse(["Name:\tdeepseek", "VmPeak:\t  999999 kB", "VmHWM:\t  345678 kB", "VmRSS:\t  222222 kB"]));
    }

    [Theory]
    [InlineData("Name:\tdeepseek")]
    [InlineData("VmHWM:\tmuch")]
    [InlineData("VmHWM:")]
    public void Parse_FileWithoutIt_IsNull(string line)
    {
        Assert.Null(PeakMemory.Parse([line]));
    }
}
