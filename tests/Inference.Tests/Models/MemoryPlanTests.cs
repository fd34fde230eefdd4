using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Offload;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Models;

public sealed class MemoryPlanTests(NanoStore store)
{
    private const long MiB = 1L << 20;
    private const long Held = 150 * MiB;

    [Fact]
    public void Create_RoomForAll_KeepsAllExperts()
    {
        var plan = Plan(new MemoryBudget { RamBytes = 1L << 30 });

        Assert.Null(plan.Slots);
        Assert.Equal((1L << 30) / 32 / PassMemory.OfToken(ModelConfig.Load(store.Folder)), plan.ChunkTokens);
        Assert.Equal(8192, Plan(new MemoryBudget { RamBytes = 1L << 40 }).ChunkTokens);
    }

    [Fact]
    public void Create_NothingAsked_TakesWhatIsFreeButLeavesSome()
    {
        var plan = Plan(new MemoryBudget(), free: 800 * MiB);

        Assert.Equal(Held + (700 * MiB), plan.Budget);
        Assert.Equal(Held + (98L << 30), MemoryPlan.Automatic(Held, 100L << 30));
    }

    [Fact]
    public void Create_AnyBudget_IsKeptToTheByte()
    {
        Prop.ForAll(Gen.Choose(-500, 12_000).Select(kilobytes => Least + (kilobytes * 1024L)).ToArbitrary(), budget =>
        {
            MemoryPlan plan;
            try
            {
                plan = Plan(new MemoryBudget { RamBytes = budget });
            }
            catch (MemoryBudgetException fault)
            {
                return fault.Needed > budget;
            }

            var slots = (plan.Slots ?? 0) * 53_248L;
            return plan.Runtime + plan.Always + plan.Cache + plan.Passes + slots <= budget && plan.Slots is null or >= NanoStore.Chosen;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Create_MoreMemory_NeverMeansFewerSlots()
    {
        var slots = Enumerable.Range(0, 40).Select(step => Plan(new MemoryBudget { RamBytes = Least + (step * MiB / 8) }).Slots ?? int.MaxValue).ToList();

        Assert.Equal(slots.Order(), slots);
        Assert.True(slots.Distinct().Count() > 5, "The budgets do not differ in what they hold.");
    }

    [Fact]
    public void Create_TooLittle_EndsInTheOptionThatWouldDo()
    {
        var fault = Assert.Throws<MemoryBudgetException>(() => Plan(new MemoryBudget { RamBytes = 100 * MiB }));

        Assert.StartsWith($"{store.Folder}: the budget is 100 MiB; at least ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(" are needed: runtime 214 MiB, weights that every token uses ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(". Shorten the context (MemoryBudget.ContextTokens), or set MemoryBudget.RamBytes: --ram ", fault.Message, StringComparison.Ordinal);
        Assert.Equal(100 * MiB, fault.Budget);
        var option = MemorySize.Parse(fault.Message[(fault.Message.LastIndexOf(' ') + 1)..]);
        Assert.True(option >= fault.Needed);
        Assert.InRange(Plan(new MemoryBudget { RamBytes = fault.Needed }).Slots!.Value, NanoStore.Chosen, NanoStore.Experts);
        Assert.NotNull(Plan(new MemoryBudget { RamBytes = option }));
    }

    [Fact]
    public void Create_TooLittleIsFree_SaysSo()
    {
        var fault = Assert.Throws<MemoryBudgetException>(() => Plan(new MemoryBudget(), free: 8 * MiB));

        Assert.Contains(": 157 MiB are free for the model; at least ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(". Free memory, shorten the context (MemoryBudget.ContextTokens), or set ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_LongerContext_LeavesFewerSlots()
    {
        var much = Plan(new MemoryBudget { RamBytes = Least });
        var little = Plan(new MemoryBudget { RamBytes = Least, ContextTokens = much.ContextTokens / 4 });

        Assert.Equal(much.Cache, 4 * little.Cache);
        Assert.InRange(much.Slots!.Value, NanoStore.Chosen, (little.Slots ?? NanoStore.Experts) - 1);
    }

    [Fact]
    public void RequireWhole_CheckpointBeyondTheBudget_NamesConvert()
    {
        var fault = Assert.Throws<MemoryBudgetException>(() => MemoryPlan.RequireWhole("folder", 100 * MiB, new ModelOptions { Memory = new MemoryBudget { RamBytes = 200 * MiB } }, Held));

        Assert.Equal(
            "folder: the budget is 200 MiB; the checkpoint has 100 MiB of weights, and a checkpoint is not paged. Make a page store of it with deepseek convert, of which only a part need be in memory, or give --ram 322MiB",
            fault.Message);
        MemoryPlan.RequireWhole("folder", 100 * MiB, new ModelOptions { Memory = new MemoryBudget { RamBytes = 322 * MiB } }, Held);
        MemoryPlan.RequireWhole("folder", 1L << 60, new ModelOptions(), Held);
    }

    [Fact]
    public void Validate_Faults_AreAllNamed()
    {
        var options = new ModelOptions
        {
            Memory = new MemoryBudget { RamBytes = 0, VramBytes = -5, ContextTokens = 0 },
            Paging = new PagingOptions { Eviction = (EvictionPolicy)9, PinnedShare = 0.95, Checksums = (ChecksumPolicy)7 },
        };

        var fault = Assert.Throws<ArgumentException>(options.Validate);

        Assert.Equal(
            "ModelOptions: RamBytes is 0; it must be 1 or more bytes, or null for what is free. VramBytes is -5; it must be 1 or more bytes, or null for what is free. ContextTokens is 0; it must be 1 or more tokens, or null for the default. "
            + "Eviction is 9; it must be LeastRecentlyUsed, SegmentedLeastRecentlyUsed, LeastFrequentlyUsed or LeastStale. PinnedShare is 0.95; it must be 0 to 0.9, since tokens need slots that change. Checksums is 7; it must be First, Always or Never.",
            fault.Message);
        Assert.Equal(
            "ModelOptions: Memory is null; it must be a budget, such as new MemoryBudget() for what is free. Paging is null; it must be options, such as new PagingOptions() for the defaults.",
            Assert.Throws<ArgumentException>(new ModelOptions { Memory = null!, Paging = null! }.Validate).Message);
    }

    /// <summary>The smallest budget that is accepted.</summary>
    private long Least => Assert.Throws<MemoryBudgetException>(() => Plan(new MemoryBudget { RamBytes = 1 })).Needed;

    private MemoryPlan Plan(MemoryBudget memory, long free = 1L << 40)
    {
        using var pages = PageStore.Open(store.Folder);
        return MemoryPlan.Create(store.Folder, pages.Manifest.Layout, pages.Config, new ModelOptions { Threads = 2, Memory = memory, LoadMultiTokenPrediction = false }, Held, free);
    }
}
