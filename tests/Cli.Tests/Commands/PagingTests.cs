using Deepseek.Inference.Configuration;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

/// <summary>Memory as an option, in processes of their own: what the tests' process holds would count.</summary>
public sealed class PagingTests : IAsyncLifetime
{
    private const string Answer = "123 + 456 = 579";
    private static readonly string[] Question = ["--prompt", "What is 123 + 456?", "--temperature", "0"];

    private readonly TemporaryFolder _folder = new();
    private string _store = "";

    // A cache folder of its own: what is remembered of one test is of no account to another.
    private Dictionary<string, string> Home => new() { ["XDG_CACHE_HOME"] = _folder.File("cache") };

    public async ValueTask InitializeAsync() => _store = await StoreFolders.ConvertAsync(_folder, TestPaths.Nano, "--experts", "f32", "--prediction", "none"); // experts of 32 bits: more than what a message rounds up by

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Run_TooLittleMemory_IsToldWhatWouldDoAndThatDoes()
    {
        var refused = await ToolProcess.RunAsync(Home, ["run", "--model", _store, .. Question, "--ram", "1MiB"]);

        refused.AssertFault(DeepseekTool.Fault, $"{_store}: the budget is 1 MiB; at least ");
        var words = refused.Error.TrimEnd().Split(' ');
        Assert.Equal("--ram", words[^2]);
        var answered = await ToolProcess.RunAsync(Home, ["run", "--model", _store, .. Question, "--ram", words[^1]]);
        answered.AssertSuccess();
        Assert.Contains(Answer, answered.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_PagedStore_KeepsTheBudgetAndHasEveryKey()
    {
        var least = MemorySize.Parse((await ToolProcess.RunAsync(Home, "run", "--model", _store, "--prompt", "?", "--ram", "1MiB")).Error.TrimEnd().Split(' ')[^1]);

        var result = await ToolProcess.RunAsync(Home, "bench", "--model", _store, "-p", "64", "-n", "4", "--repeat", "1", "--ram", $"{least}", "--json");

        result.AssertSuccess();
        var root = result.Objects.Single();
        foreach (var key in (string[])["slots", "experts", "hit_rate", "disk_gb_per_token", "prefetched_in_vain_gb_per_token", "prefetched_gb_per_token", "prefetch_accuracy", "stalled_share", "always_read_gb", "disk_gb_per_second", "unoverlapped_tokens_per_second", "fill_seconds"])
            Assert.True(root.GetProperty(key).GetDouble() >= 0, key);
        Assert.InRange(root.GetProperty("slots").GetInt32(), 4, 79);
        Assert.Equal(80, root.GetProperty("experts").GetInt32());
        Assert.InRange(root.GetProperty("peak_memory_bytes").GetInt64(), 1, least);
        Assert.False(root.TryGetProperty("cache_preference", out _));
        Assert.False(Directory.Exists(_folder.File("cache")), "A benchmark leaves usage behind.");
    }

    [Fact]
    public async Task Chat_PagedStore_ShowsWhatPagingDid()
    {
        var least = (await ToolProcess.RunAsync(Home, ["run", "--model", _store, .. Question, "--ram", "1MiB"])).Error.TrimEnd().Split(' ')[^1];
        var budget = MemorySize.Parse(least) + (10 << 20); // a terminal takes more than a pipe; a third of the experts fits as well
        using var tool = ToolProcess.StartInTerminal($"chat --temperature 0 --model '{_store}' --ram {budget}");
        await tool.ReadUntilAsync("> ");
        await tool.Input.WriteAsync("What is 123 + 456?\r");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        await tool.ReadUntilAsync("tokens/s");

        await tool.Input.WriteAsync("/stats\r");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        var stats = await tool.ReadUntilAsync("GB read");
        await tool.Input.WriteAsync("\u0004");
        await tool.FinishAsync();

        Assert.Matches(@"paging +\d+\.\d ?% of [1-9]\d* demands hit, [1-9]\d* of 80 experts in memory, \d+\.\d\d GB read", stats);
    }

    [Fact]
    public async Task Run_Checkpoint_IsNotPaged() =>
        (await ToolProcess.RunAsync(Home, ["run", .. Question, "--ram", "1MiB"])).AssertFault(DeepseekTool.Fault, "a checkpoint is not paged. Make a page store of it with deepseek convert, of which only a part need be in memory, or give --ram ");

    [Fact]
    public async Task Run_MoreThanIsFree_WarnsAndAnswers()
    {
        var result = await ToolProcess.RunAsync(Home, ["run", "--model", _store, .. Question, "--ram", "4000TiB"]);

        Assert.Equal(DeepseekTool.Success, result.ExitCode);
        Assert.Matches(@"^warning: The budget is 4000 TiB; [0-9.]+ GiB are free beside what the process holds\. The system may swap, or end the process\.\n$", result.Error);
        Assert.Contains(Answer, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_TwoProcessesOverOneStore_BothAnswer()
    {
        string[] command = ["run", "--model", _store, .. Question, "--ram", (await ToolProcess.RunAsync(Home, ["run", "--model", _store, .. Question, "--ram", "1MiB"])).Error.TrimEnd().Split(' ')[^1]];

        var both = await Task.WhenAll(ToolProcess.RunAsync(Home, command), ToolProcess.RunAsync(Home, command));

        Assert.All(both, result => Assert.Contains(Answer, result.Out, StringComparison.Ordinal));
        Assert.NotEmpty(Directory.GetFiles(_folder.File("cache"), "*.bin", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Run_RecordedRouting_IsWhatSimulateReads()
    {
        var trace = _folder.File("routing.bin");

        (await Tool.RunAsync(["run", "--model", _store, "--raw", "--prompt", "Once upon a time", "--max-new", "64", "--seed", "7", "--record-routing", trace])).AssertSuccess();
        var simulated = await Tool.RunAsync("simulate", "--trace", trace, "--architecture", Path.Combine(TestPaths.Nano, "config.json"), "--slots", "40", "--json");

        simulated.AssertSuccess();
        Assert.NotEmpty(simulated.Objects);
    }

    [Theory]
    [InlineData("--ram", "much", "--ram is 'much'; it must be a size above 0 such as 64GiB, 24GB or a number of bytes.")]
    [InlineData("--ram", "0", "--ram is '0'; it must be a size above 0 such as 64GiB, 24GB or a number of bytes.")]
    [InlineData("--vram", "24", null)]
    [InlineData("--eviction", "fifo", "--eviction is 'fifo'; it must be lru, slru, lfu or least-stale.")]
    [InlineData("--prefetch", "maybe", "--prefetch is 'maybe'; it must be on or off.")]
    [InlineData("--cache-preference", "some", "--cache-preference is 'some'; it must be a number such as 0.5.")]
    public async Task Run_WrongValue_IsNamed(string option, string value, string? expected)
    {
        var result = await Tool.RunAsync(["run", "--model", _store, .. Question, option, value]);

        if (expected is null)
            result.AssertSuccess();
        else
            result.AssertFault(DeepseekTool.WrongUsage, expected);
    }

    [Fact]
    public async Task Run_PreferenceOutOfRange_IsNamed() =>
        (await Tool.RunAsync(["run", "--model", _store, .. Question, "--cache-preference", "2"])).AssertFault(DeepseekTool.Fault, "CachePreference is 2; it must be 0 (exact) to 1.");

    [Fact]
    public async Task Convert_Also_PutsExpertsThere()
    {
        var store = _folder.File("spread");

        (await Tool.RunAsync("convert", StoreFolders.Small, store, "--also", _folder.File("other"), "--json")).AssertSuccess();

        Assert.NotEmpty(Directory.GetFiles(_folder.File("other"), "experts-*.safetensors"));
        (await Tool.RunAsync("verify", store, "--json")).AssertSuccess();
        (await Tool.RunAsync("convert", StoreFolders.Small, store, "--also", _folder.File("other"), "--json")).AssertSuccess(); // checks it
    }
}
