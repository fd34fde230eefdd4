using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe class HugePagesTests
{
    private const nuint Page = 2 << 20;

    [Fact]
    public void Within_AnyPart_AreItsWholePages()
    {
        Assert.Equal((Page, 2 * Page), HugePages.Within(Page, 2 * Page));
        Assert.Equal((2 * Page, Page), HugePages.Within(Page + 64, 2 * Page));
        Assert.Equal((2 * Page, 2 * Page), HugePages.Within(Page + 64, (3 * Page) - 64));
        Assert.Equal(default, HugePages.Within(Page, Page - 1));
        Assert.Equal(default, HugePages.Within(Page + 64, (2 * Page) - 65));
        Assert.Equal(default, HugePages.Within(Page + 64, 64));
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(64, 4 << 20)]
    [InlineData(0, 6 << 20)]
    public void Ask_AnyPlaceAndLength_LeavesWhatMemoryHolds(int offset, int length)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)(offset + length), HugePages.Size);
        try
        {
            var bytes = new Span<byte>(memory, offset + length);
            bytes.Fill(7);

            HugePages.Ask((nint)memory + offset, length);

            Assert.Equal(-1, bytes.IndexOfAnyExcept((byte)7));
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }
}
