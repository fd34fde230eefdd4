using Deepseek.Inference.Offload.Devices;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>The way into a GPU's memory, against a table of functions that stands for the CUDA runtime.</summary>
public sealed unsafe class CudaDeviceMemoryTests
{
    [Fact]
    public void Copy_BeforeAnythingWaits_IsNotDone()
    {
        var cuda = new LateCuda();
        using var memory = cuda.Open();
        using var destination = Cleared(memory, 8);
        byte[] bytes = [1, 2, 3, 4];

        fixed (byte* source = bytes)
        {
            var copy = memory.Copy((nint)source, destination, 2, 4, after: 0);
            var before = destination.ToArray<byte>();
            memory.Wait(copy);

            Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0], before);
            Assert.Equal([0, 0, 1, 2, 3, 4, 0, 0], destination.ToArray<byte>());
        }
    }

    [Fact]
    public void Order_EarlierCopy_LeavesLaterOnesUnderWay()
    {
        var cuda = new LateCuda();
        using var memory = cuda.Open();
        using var destination = Cleared(memory, 2);
        byte[] bytes = [1, 2];

        fixed (byte* source = bytes)
        {
            var first = memory.Copy((nint)source, destination, 0, 1, after: 0);
            var second = memory.Copy((nint)source + 1, destination, 1, 1, after: 0);
            memory.Order(first);

            Assert.Equal([1, 0], destination.ToArray<byte>());
            memory.Order(second);
            Assert.Equal([1, 2], destination.ToArray<byte>());
        }
    }

    [Fact]
    public void Copy_AfterAMark_LetsTheCopiesWaitForTheComputing()
    {
        var cuda = new LateCuda();
        using var memory = cuda.Open();
        using var destination = Cleared(memory, 1);
        byte[] bytes = [1];

        fixed (byte* source = bytes)
        {
            var mark = memory.Mark();
            cuda.Calls.Clear();
            memory.Wait(memory.Copy((nint)source, destination, 0, 1, mark));
        }

        Assert.Equal(["StreamWaitEvent", "MemcpyAsync", "EventRecord", "EventSynchronize"], cuda.Calls);
    }

    [Fact]
    public void Wait_MoreCopiesThanEvents_WaitsForEach()
    {
        var cuda = new LateCuda();
        using var memory = cuda.Open();
        using var destination = Cleared(memory, 200);
        var bytes = Enumerable.Range(0, 200).Select(i => (byte)i).ToArray();

        fixed (byte* source = bytes)
        {
            var copies = new long[200];
            for (var i = 0; i < copies.Length; i++)
                copies[i] = memory.Copy((nint)source + i, destination, i, 1, after: 0);
            memory.Wait(copies[100]);

            Assert.Equal(bytes[..101], destination.ToArray<byte>()[..101]);
            memory.Wait(copies[^1]);
            Assert.Equal(bytes, destination.ToArray<byte>());
        }
    }

    [Fact]
    public void Copy_CallThatFails_ThrowsItsTextAndForgetsTheError()
    {
        var cuda = new LateCuda();
        using var memory = cuda.Open();
        using var destination = Cleared(memory, 1);
        cuda.Faults["MemcpyAsync"] = 700;

        var fault = Assert.Throws<InvalidOperationException>(() => memory.Copy(1, destination, 0, 1, after: 0));

        Assert.Equal("cudaMemcpyAsync failed on CUDA device 0: error 700.", fault.Message);
        Assert.Equal("GetLastError", cuda.Calls[^1]);
    }

    [Fact]
    public void TryLock_SystemThatRefuses_IsFalseAndForgetsTheError()
    {
        var cuda = new LateCuda();
        using var memory = cuda.Open();
        cuda.Faults["HostRegister"] = 2;

        Assert.False(memory.TryLock(0x10, 4096));
        Assert.Equal("GetLastError", cuda.Calls[^1]);
        Assert.True(memory.TryLock(0x10, 4096));
        memory.Unlock(0x10);
    }

    [Fact]
    public void Reading_CallThatFails_IsNull()
    {
        var cuda = new LateCuda();
        using var memory = cuda.Open();

        Assert.Equal((1L << 30, 2L << 30), memory.Reading);
        cuda.Faults["MemGetInfo"] = 1;
        Assert.Null(memory.Reading);
    }

    [Fact]
    public void Dispose_Twice_FreesStreamAndEventsOnce()
    {
        var cuda = new LateCuda();
        var memory = cuda.Open();
        Assert.NotEmpty(cuda.Alive);

        memory.Dispose();
        memory.Dispose();

        Assert.Empty(cuda.Alive);
    }

    [Fact]
    public void TryLoad_LibrariesThatAreNotThere_SaysWhatWasTried()
    {
        Assert.False(CudaLibrary.TryLoad(["no-such-cudart.so.12"], out var functions, out var reason));

        Assert.Null(functions);
        Assert.Equal("no-such-cudart.so.12 was not found", reason);
    }

    [Fact]
    public void TryLoad_LibraryWithoutTheFunctions_SaysWhichIsMissing()
    {
        var other = OperatingSystem.IsWindows() ? "kernel32.dll" : OperatingSystem.IsMacOS() ? "libSystem.dylib" : "libc.so.6";

        Assert.False(CudaLibrary.TryLoad([other], out _, out var reason));

        Assert.Contains("cudaSetDevice", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CUDA out of memory. Tried to allocate 20.00 GiB", true)]
    [InlineData("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes", true)]
    [InlineData("CUDA error: an illegal memory access was encountered", false)]
    public void Is_TextsOfLibtorch_TellsMemoryFromOtherFaults(string text, bool expected) =>
        Assert.Equal(expected, OutOfDeviceMemory.Is(new LibtorchException(text)));

    private static Tensor Cleared(CudaDeviceMemory memory, long bytes)
    {
        var made = memory.Allocate(bytes);
        _ = made.zero_();
        return made;
    }
}
