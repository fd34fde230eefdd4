using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Tests.Configuration;

public sealed class MemorySizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("20401094656", 20_401_094_656)]
    [InlineData("7B", 7)]
    [InlineData("1KB", 1000)]
    [InlineData("1kib", 1024)]
    [InlineData("212MiB", 212L << 20)]
    [InlineData("18.7GiB", 20_078_972_108)]
    [InlineData(" 24 GB ", 24_000_000_000)]
    [InlineData("1.5TiB", 3L << 39)]
    [InlineData("2TB", 2_000_000_000_000)]
    [InlineData("9223372036854775807", long.MaxValue)] // not rounded on its way
    [InlineData("0.5B", 0)]
    public void Parse_Size_GivesBytes(string text, long expected)
    {
        Assert.Equal(expected, MemorySize.Parse(text));
        Assert.True(MemorySize.TryParse(text, out var bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1GiB")]
    [InlineData("1,5GiB")]
    [InlineData("1e9")]
    [InlineData("5x")]
    [InlineData("9GiBiB")]
    [InlineData("9000000000TiB")]
    [InlineData("99999999999999999999999999999999")]
    public void Parse_NoSize_Throws(string text)
    {
        Assert.False(MemorySize.TryParse(text, out _));
        var fault = Assert.Throws<FormatException>(() => MemorySize.Parse(text));

        Assert.Equal($"The size is '{text}'; it must be a size such as 18.7GiB, 24GB, 512MiB or a number of bytes.", fault.Message);
    }

    [Fact]
    public void TryParse_Null_IsNoSize() => Assert.False(MemorySize.TryParse(null, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(1L << 20, "1 MiB")]
    [InlineData(20_078_972_109, "18.7 GiB")]
    [InlineData(3L << 39, "1.5 TiB")]
    public void Format_Bytes_ReadsWell(long bytes, string expected) => Assert.Equal(expected, MemorySize.Format(bytes));

    [Fact]
    public void Format_Negative_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => MemorySize.Format(-1));

    [Theory]
    [InlineData(1, "1MiB")]
    [InlineData(1 << 20, "1MiB")]
    [InlineData((1 << 20) + 1, "2MiB")]
    public void Option_Bytes_AreRoundedUp(long bytes, string expected) => Assert.Equal(expected, MemorySize.Option(bytes));

    [Fact]
    public void Budget_Texts_AreParsed()
    {
        Assert.Equal(new MemoryBudget { RamBytes = 1L << 30, VramBytes = 24_000_000_000 }, MemoryBudget.Parse("1GiB", "24GB"));
        Assert.Equal(new MemoryBudget(), MemoryBudget.Parse(null));
        Assert.Throws<FormatException>(() => MemoryBudget.Parse("much"));
    }
}
