using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Diagnostics;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>Models whose weights lie in a device's memory, with the CPU as device: no setting of memory changes a bit.</summary>
public sealed class DeviceModelTests(NanoStore store)
{
    internal const int Tokens = 100;

    // Experts that the host holds (null: all), and the device.
    public static TheoryData<int?, int> Slots => new()
    {
        { null, NanoStore.Experts },
        { null, NanoStore.Experts / 3 },
        { NanoStore.Experts / 4, NanoStore.Experts / 3 },
        { NanoStore.Experts / 4, NanoStore.Chosen },
        { NanoStore.Chosen, 1 },
        { 1, NanoStore.Chosen },
    };

    [Theory, MemberData(nameof(Slots))]
    public async Task Forward_AnySlots_GivesTheBitsOfResidentExperts(int? host, int device)
    {
        using var tiered = await LoadAsync(host, device);

        Assert.Equal(store.TorchBits, PagedModelTests.Bits(tiered, Tokens));
        var statistics = tiered.DeviceMemory!.Value;
        Assert.Equal(device, statistics.Slots);
        Assert.Equal((long)Tokens * NanoStore.Layers * NanoStore.Chosen, statistics.Hits + statistics.Misses);
        Assert.Equal((statistics.Misses + statistics.PrefillMisses) * statistics.RecordBytes, statistics.CopiedBytes);
        Assert.Equal(host, tiered.Paging?.Slots);
    }

    [Theory]
    [InlineData(EvictionPolicy.LeastRecentlyUsed, false)]
    [InlineData(EvictionPolicy.SegmentedLeastRecentlyUsed, true)]
    [InlineData(EvictionPolicy.LeastFrequentlyUsed, true)]
    [InlineData(EvictionPolicy.LeastStale, false)]
    public async Task Forward_AnyPolicy_GivesTheSameBits(EvictionPolicy eviction, bool shareByLayer)
    {
        using var all = await LoadAsync(null, NanoStore.Experts);
        using var some = await LoadAsync(20, 11, new PagingOptions { Eviction = eviction, ShareByLayer = shareByLayer });

        Assert.Equal(PagedModelTests.Bits(all, 15), PagedModelTests.Bits(some, 15));
        Assert.Equal(11, some.DeviceMemory!.Value.FilledSlots);
    }

    [Fact]
    public async Task Forward_ModelOfRaggedRows_GivesTheBitsOfResidentExperts()
    {
        using var folder = new TemporaryFolder();
        await SmallModel.SynthesizeAsync(folder.Path);
        var options = new ModelOptions { Threads = 2, Operations = ComputeOperations.Torch, Paging = new PagingOptions { RememberUsage = false } };
        using var resident = await LanguageModel.LoadAsync(folder.Path, options, cancellationToken: TestContext.Current.CancellationToken);

        foreach (var (host, device) in ((int?, int)[])[(null, SmallModel.Experts), (SmallModel.Experts / 2, SmallModel.Experts / 4), (SmallModel.Chosen, SmallModel.Chosen)])
        {
            using var tiered = await LanguageModel.LoadAsync(
                folder.Path, options with { DeviceTier = true, Paging = options.Paging with { Slots = host, DeviceSlots = device } }, cancellationToken: TestContext.Current.CancellationToken);

            Assert.Equal(PagedModelTests.Bits(resident, 30), PagedModelTests.Bits(tiered, 30));
        }
    }

    [Fact]
    public async Task Prediction_ExpertsOnADevice_GivesTheBitsOfResidentOnes()
    {
        using var resident = (DeepseekModel)await store.LoadAsync(null, options => options with { Operations = ComputeOperations.Torch, LoadMultiTokenPrediction = true });
        using var tiered = (DeepseekModel)await LoadAsync(9, 7, change: options => options with { LoadMultiTokenPrediction = true });

        Assert.True(tiered.HasMultiTokenPrediction);
        Assert.Equal(PagedModelTests.Predicted(resident), PagedModelTests.Predicted(tiered));
    }

    [Fact]
    public async Task Forward_Prefill_CopiesEachExpertOnceAndLeavesTheStatisticsAlone()
    {
        using var model = await LoadAsync(NanoStore.Experts / 2, NanoStore.Experts / 5);
        using var cache = model.CreateCache();

        model.Forward(PagedModelTests.Ids(model, 400), cache, cancellationToken: TestContext.Current.CancellationToken).Dispose();

        var statistics = model.DeviceMemory!.Value;
        Assert.Equal((0, 0), (statistics.Hits, statistics.Misses));
        Assert.InRange(statistics.PrefillMisses, NanoStore.Experts / 2, NanoStore.Experts);
        Assert.Equal(statistics.PrefillMisses * statistics.RecordBytes, statistics.CopiedBytes);
    }

    [Fact]
    public async Task Forward_TwoSequencesAtOnce_BothGiveTheBits()
    {
        using var model = await LoadAsync(12, 6);
        var expected = PagedModelTests.Bits(model, 30);

        var both = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => PagedModelTests.Bits(model, 30), TestContext.Current.CancellationToken)));

        Assert.Equal([expected, expected], both);
    }

    [Fact]
    public async Task Forward_WhileFinalizersRun_GivesTheBits()
    {
        using var model = await LoadAsync(12, 6);
        var expected = PagedModelTests.Bits(model, 20);

        await using var storm = new FinalizerStorm();
        Assert.Equal(expected, PagedModelTests.Bits(model, 20));
    }

    [Fact]
    public async Task Forward_CancelledWhileExpertsAreCopied_LeavesTheModelUsable()
    {
        using var model = await LoadAsync(5, 4);
        var expected = PagedModelTests.Bits(model, 10);
        using var cache = model.CreateCache();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        Assert.ThrowsAny<OperationCanceledException>(() => model.Forward(new[] { 1 }, cache, cancellationToken: cancelled.Token));

        Assert.Equal(expected, PagedModelTests.Bits(model, 10));
    }

    [Fact]
    public async Task LoadAsync_VramOnACpu_IsAcceptedAndOfNoAccount()
    {
        using var model = await store.LoadAsync(20, options => options with { Memory = new MemoryBudget { VramBytes = 1 } });

        Assert.Null(model.DeviceMemory);
        Assert.Equal(store.ResidentBits, PagedModelTests.Bits(model));
    }

    [Fact]
    public async Task LoadAsync_VramBudget_DecidesSlotsAndIsNotExceededByThePrediction()
    {
        using var all = await LoadAsync(null, null, change: options => options with { Memory = new MemoryBudget { VramBytes = 1L << 40, ContextTokens = 256 } });
        var whole = all.DeviceMemory!.Value;
        var budget = whole.PredictedPeakBytes - (10 * whole.RecordBytes);

        using var some = await LoadAsync(null, null, change: options => options with { Memory = new MemoryBudget { VramBytes = budget, ContextTokens = 256 } });

        var statistics = some.DeviceMemory!.Value;
        Assert.Equal((NanoStore.Experts, NanoStore.Experts - 10), (whole.Slots, statistics.Slots));
        Assert.InRange(statistics.PredictedPeakBytes, budget - statistics.RecordBytes, budget);
        Assert.Equal(budget, statistics.BudgetBytes);
        Assert.NotNull(statistics.ReportedPeakBytes);
    }

    [Fact]
    public async Task LoadAsync_TooLittleVram_NamesTheSettingThatDoes()
    {
        var fault = await Assert.ThrowsAsync<MemoryBudgetException>(() => LoadAsync(null, null, change: options => options with { Memory = new MemoryBudget { VramBytes = 1 << 20 } }));

        Assert.Contains("MemoryBudget.VramBytes", fault.Message, StringComparison.Ordinal);
        var advice = fault.Message[(fault.Message.LastIndexOf("--vram ", StringComparison.Ordinal) + "--vram ".Length)..];
        using var model = await LoadAsync(null, null, change: options => options with { Memory = new MemoryBudget { VramBytes = MemorySize.Parse(advice) } });
        Assert.InRange(model.DeviceMemory!.Value.Slots, NanoStore.Chosen, NanoStore.Experts);
    }

    [Fact]
    public async Task Forward_CopiesThatAreDoneAsLateAsTheyMay_GivesTheBitsOfResidentExperts()
    {
        var functions = new LateCuda();
        using (var model = await LoadAsync(NanoStore.Experts / 4, 6, change: options => options with { OpenDeviceMemory = functions.Open }))
        {
            Assert.Equal(store.TorchBits, PagedModelTests.Bits(model, Tokens));
            Assert.True(model.DeviceMemory!.Value.LocksHostMemory);
        }

        Assert.True(functions.Copies > 0);
        Assert.Empty(functions.Alive); // streams, events, locked memory
    }

    [Fact]
    public async Task LoadAsync_DeviceThatHasLessThanItSays_TakesFewerSlotsAndSaysSo()
    {
        var logger = new ListLogger();
        using var plenty = await LoadAsync(null, null, change: options => options with { Memory = new MemoryBudget { VramBytes = 1L << 40, ContextTokens = 256 } });
        var (statistics, limit) = (plenty.DeviceMemory!.Value, plenty.DeviceMemory!.Value.PredictedPeakBytes - (30 * plenty.DeviceMemory!.Value.RecordBytes));

        using var model = await LoadAsync(null, null, change: options => options with
        {
            Logger = logger,
            Memory = new MemoryBudget { VramBytes = 1L << 40, ContextTokens = 256 },
            OpenDeviceMemory = () => new LimitedDeviceMemory(limit),
        });

        Assert.InRange(model.DeviceMemory!.Value.Slots, NanoStore.Chosen, statistics.Slots - 30);
        Assert.Contains(logger.Messages, message => message.Contains("ran out of memory", StringComparison.Ordinal));
        Assert.Equal(store.TorchBits, PagedModelTests.Bits(model, Tokens));
    }

    [Theory]
    [InlineData(1)] // not even what every token uses
    [InlineData(100)] // no room for a layer's experts
    public async Task LoadAsync_DeviceWithoutRoom_ThrowsAndNamesTheSetting(int percentOfAlways)
    {
        using var plenty = await LoadAsync(null, NanoStore.Chosen);
        var always = plenty.DeviceMemory!.Value.AlwaysUsedBytes;
        LimitedDeviceMemory? memory = null;

        var fault = await Assert.ThrowsAsync<MemoryBudgetException>(() => LoadAsync(null, null, change: options => options with
        {
            Memory = new MemoryBudget { VramBytes = 1L << 40 },
            OpenDeviceMemory = () => memory = new LimitedDeviceMemory(always * percentOfAlways / 100),
        }));

        Assert.Contains("the device ran out of memory", fault.Message, StringComparison.Ordinal);
        Assert.Matches(@"MemoryBudget\.VramBytes: --vram \d+MiB$", fault.Message);
        Assert.True(memory!.IsDisposed);
        Assert.Equal(0, memory.Held);
    }

    private Task<LanguageModel> LoadAsync(int? host, int? device, PagingOptions? paging = null, Func<ModelOptions, ModelOptions>? change = null) =>
        store.LoadAsync(
            host,
            options => (change?.Invoke(options) ?? options) with { Operations = ComputeOperations.Torch, DeviceTier = true },
            (paging ?? new PagingOptions()) with { DeviceSlots = device });
}
