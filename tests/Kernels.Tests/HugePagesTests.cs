using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe class HugePagesTests
{
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
