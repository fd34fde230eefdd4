using Deepseek.Inference.Planning;

namespace Deepseek.Inference.Tests.Planning;

public sealed class SystemMemoryTests
{
    private const long GiB = 1L << 30;
    private const long MiB = 1L << 20;

    [Theory]
    [InlineData(GiB, 16 * GiB, GiB)]
    [InlineData(GiB, 2 * GiB, GiB / 2)]
    [InlineData(GiB, 0, 64 * MiB)]
    [InlineData(GiB, -GiB, 64 * MiB)]
    [InlineData(MiB, 16 * GiB, 64 * MiB)]
    public void Share_OfWhatIsFree_IsAQuarterAtMost(long wanted, long available, long expected)
    {
        Assert.Equal(expected, SystemMemory.Share(wanted, available));
    }

    [Fact]
    public void ParseAvailable_MemoryFile_TakesWhatIsAvailable()
    {
        Assert.Equal(16_000_000L * 1024, SystemMemory.ParseAvailable(["MemTotal:       24000000 kB", "MemFree:         1000000 kB", "MemAvailable:   16000000 kB"]));
        Assert.Null(SystemMemory.ParseAvailable(["MemTotal:       24000000 kB", "MemAvailable:   some"]));
    }

    [Fact]
    public void TotalBytes_ThisMachine_IsMoreThanIsRead()
    {
        Assert.True(SystemMemory.TotalBytes > SystemMemory.ShareOfAvailable(GiB));
    }
}
