using System.Text;
using Deepseek.Inference.Planning;

namespace Deepseek.Inference.Tests.Planning;

public sealed class ProcessorNameTests
{
    [Theory]
    [InlineData("AMD EPYC 7763 64-Core Processor                \0", "AMD EPYC 7763 64-Core Processor")]
    [InlineData("        Intel(R) Xeon(R) CPU  @ 2.80GHz\0junk", "Intel(R) Xeon(R) CPU @ 2.80GHz")]
    [InlineData("without an end", "without an end")]
    public void Text_OfRegisters_EndsAtZeroAndHasSingleSpaces(string registers, string expected)
    {
        Assert.Equal(expected, ProcessorName.Text(Encoding.ASCII.GetBytes(registers)));
    }

    [Fact]
    public void Read_ThisMachine_IsThere()
    {
        Assert.NotEqual("", ProcessorName.Read());
    }
}
