using System.Globalization;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests.Models;
using TorchSharp;

namespace Deepseek.Inference.Tests.Generation;

/// <summary>Counts what is alive in the whole process: nothing else may run meanwhile.</summary>
[Collection(nameof(WholeProcess))]
public sealed class LeakTests(Nano nano)
{
    /// <summary>Measured: 1 to 2 MB of the allocators' own. One state of 256 values, kept for every layer and token, would be 9 MB.</summary>
    private const long ResidentTolerance = 4_000_000;

    private static readonly GenerationOptions Endless = new() { Sampling = new() { Temperature = 0 }, EndTokens = [] };

    [Fact]
    public async Task GenerateAsync_TwoThousandTokens_KeepsNothingAlive()
    {
        using var cache = nano.Model.CreateCache();
        Fixture.Logits(nano.Model, cache, [.. Enumerable.Range(0, cache.MaxLength)]); // lets the cache grow to its full size
        cache.Truncate(0);
        var (tensors, size) = (LiveTensors(), cache.ByteSize);

        var resident = 0L;
        var count = 0;
        await foreach (var token in nano.Generator.Generator.GenerateAsync(new GenerationRequest(Nano.Prompts[1], Endless with { MaxNewTokens = 2000 }, cache)))
        {
            if (++count == 500)
                resident = Resident();
        }

        var live = torch.Tensor.TotalCount; // without the help of the collector
        var growth = Resident() - resident;
        Assert.Equal((2000, size), (count, cache.ByteSize));
        Assert.Equal(tensors, live);
        Assert.True(growth < ResidentTolerance, $"Between the 500th and the 2000th token the process grew by {growth} bytes.");
    }

    [Fact]
    public async Task GenerateBatchAsync_EndedLeftAndCancelled_KeepsNothingAlive()
    {
        await Batch(int.MaxValue);
        var tensors = LiveTensors();

        await Batch(int.MaxValue);
        await Batch(7);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Batch(5, cancel: true));

        Assert.Equal(tensors, torch.Tensor.TotalCount); // without the help of the collector
    }

    [Fact]
    public async Task GenerateAsync_ManyTimes_LeavesNoThreads()
    {
        await Batch(1);
        var threads = Status("Threads:");

        for (var i = 0; i < 40; i++)
            await Batch(1);

        Assert.InRange(Status("Threads:"), 1, threads + 20); // each has a thread of its own, and libtorch's workers beside it
    }

    [Fact]
    public async Task LoadAsync_ThenDispose_KeepsNothingAlive()
    {
        var tensors = LiveTensors();

        foreach (var name in new[] { "v3-fp8", "v3-mtp", "distill-llama" })
        {
            using var model = await Fixture.LoadAsync(name);
            Fixture.Logits(model, Fixture.Ids(20));
            Assert.True(torch.Tensor.TotalCount > tensors);
        }

        Assert.Equal(tensors, torch.Tensor.TotalCount);
    }

    [Fact]
    public async Task LoadAsync_FailingHalfway_KeepsNothingAlive()
    {
        using var folder = new AlteredCheckpoint("v3-mtp").Remove(name => name == "lm_head.weight").Write();
        var tensors = LiveTensors();

        await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path));

        Assert.Equal(tensors, torch.Tensor.TotalCount);
    }

    private async Task Batch(int leaveAfter, bool cancel = false)
    {
        using var cancellation = new CancellationTokenSource();
        var requests = Enumerable.Range(0, 3).Select(i => new GenerationRequest(Nano.Prompts[i], Endless with { MaxNewTokens = 6 })).ToArray();
        await foreach (var _ in nano.Generator.Generator.GenerateBatchAsync(requests, 2, cancellation.Token))
        {
            if (--leaveAfter > 0)
                continue;
            if (!cancel)
                break;
            await cancellation.CancelAsync();
        }
    }

    /// <summary>Live tensors, without those that earlier tests left to the collector.</summary>
    private static long LiveTensors()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return torch.Tensor.TotalCount;
    }

    /// <summary>Bytes of the process in memory, the managed heap compacted first.</summary>
    private static long Resident()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return 1024 * Status("VmRSS:");
    }

    private static long Status(string key)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells in /proc/self/status.");
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(key, StringComparison.Ordinal));
        return long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
