using Deepseek.Inference.Store;
using Deepseek.Inference.Tests;
using Deepseek.Inference.Tests.Store;

namespace Deepseek.Cli.Tests.Commands;

public sealed class ConvertCommandTests
{
    private static readonly string Small = StoreFolders.Small;

    [Fact]
    public async Task DryRun_WritesNothingAndSaysWhatWouldBeWritten()
    {
        using TemporaryFolder folder = new();

        var plan = await Tool.RunAsync("convert", Small, folder.File("store"), "--dry-run", "--json");
        var table = await Tool.RunAsync("convert", Small, folder.File("store"), "--dry-run");
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        var written = await Tool.RunAsync("convert", Small, folder.File("store"), "--json");

        plan.AssertSuccess();
        table.AssertSuccess();
        written.AssertSuccess();
        Assert.Equal(plan.Out, written.Out.Replace("\"written\":true", "\"written\":false", StringComparison.Ordinal));
        Assert.Matches(@"^ +\n +part +precision +tensors +parameters +bytes", table.Out);
        Assert.Matches(@"\n +experts +nf4 +\d+ +[\d,]+ +[\d,]+ *\n", table.Out);
        Assert.EndsWith(FormattableString.Invariant($"store: {Number(plan, "bytes"):N0} bytes in 5 files, {Number(plan, "expert_bytes"):N0} an expert; nothing was written.\n"), table.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_NewStore_TellsWhatItHolds()
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync("convert", Small, folder.File("store"), "--json");

        result.AssertSuccess();
        var store = Assert.Single(result.Objects);
        Assert.Equal(folder.File("store"), store.GetProperty("folder").GetString());
        Assert.True(store.GetProperty("written").GetBoolean());
        var files = StoreFolders.Files(folder.File("store"));
        Assert.Equal(files.Where(file => file.Key.EndsWith(".safetensors", StringComparison.Ordinal)).Sum(file => file.Value.LongLength), Number(result, "bytes"));
        Assert.Equal(files.Count(file => file.Key.EndsWith(".safetensors", StringComparison.Ordinal)), Number(result, "files"));
        var classes = store.GetProperty("classes").EnumerateArray().Select(one => (one.GetProperty("part").GetString(), one.GetProperty("precision").GetString())).ToList();
        Assert.Contains(("experts", "nf4"), classes);
        Assert.Contains(("prediction", "int8"), classes);
        Assert.DoesNotContain(files.Keys, name => name.StartsWith("convert.", StringComparison.Ordinal) || name.EndsWith(".partial", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Plain_NewStore_SaysThatItIsComplete()
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync("convert", Small, folder.File("store"), "--threads", "3");

        result.AssertSuccess();
        Assert.EndsWith(" an expert, complete.\n", result.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--experts", "int8-block", "experts", "int8-block")]
    [InlineData("--dense", "bf16", "resident", "bf16")]
    [InlineData("--attention", "f16", "resident", "f16")]
    [InlineData("--kv-b", "int8-block", "resident", "int8-block")]
    [InlineData("--embedding", "fp8", "resident", "fp8")]
    [InlineData("--head", "f32", "resident", "f32")]
    [InlineData("--prediction", "nf4", "prediction", "nf4")]
    [InlineData("--embedding", "nf4-reference", "resident", "nf4-reference")]
    [InlineData("--embedding", "nf4-searched", "resident", "nf4-searched")]
    [InlineData("--embedding", "keep", "resident", "bf16")]
    public async Task Precision_OfEveryClass_IsTaken(string option, string precision, string part, string expected)
    {
        var before = await Tool.RunAsync("convert", Small, "anywhere", "--dry-run", "--json");
        var after = await Tool.RunAsync("convert", Small, "anywhere", "--dry-run", "--json", option, precision);

        after.AssertSuccess();
        Assert.False(Has(before), "There is nothing to show.");
        Assert.True(Has(after), after.Out);

        bool Has(ToolResult result) => result.Objects.Single().GetProperty("classes").EnumerateArray()
            .Any(one => one.GetProperty("part").GetString() == part && one.GetProperty("precision").GetString() == expected);
    }

    [Fact]
    public async Task Prediction_None_LeavesTheLayerOut()
    {
        using TemporaryFolder folder = new();

        var store = await StoreFolders.ConvertAsync(folder, Small, "--prediction", "none");

        Assert.DoesNotContain(StoreFolders.Files(store).Keys, name => name is "prediction.safetensors" or "experts-003.safetensors");
        Assert.DoesNotContain(StoreSummary.Read(store).Classes, one => one.Part == "prediction");
    }

    [Theory]
    [InlineData("--experts")]
    [InlineData("--dense")]
    [InlineData("--attention")]
    [InlineData("--kv-b")]
    [InlineData("--embedding")]
    [InlineData("--head")]
    public async Task Precision_Unknown_ExitsWith2AndNamesAll(string option)
    {
        const string names = "keep, nf4, nf4-searched, nf4-reference, int8, int8-block, fp8, bf16, f16, f32";
        var wrong = await Tool.RunAsync("convert", Small, "anywhere", option, "int4");
        var none = await Tool.RunAsync("convert", Small, "anywhere", option, "none");
        var upper = await Tool.RunAsync("convert", Small, "anywhere", option, "NF4");
        var prediction = await Tool.RunAsync("convert", Small, "anywhere", "--prediction", "int4");
        var twice = await Tool.RunAsync("convert", Small, "anywhere", option, "nf4", option, "int8");
        var without = await Tool.RunAsync("convert", Small, "anywhere", option);

        wrong.AssertFault(DeepseekTool.WrongUsage, $"{option} is 'int4'; it must be one of {names}. See deepseek convert --help.");
        none.AssertFault(DeepseekTool.WrongUsage, $"{option} is 'none'; it must be one of {names}.");
        upper.AssertFault(DeepseekTool.WrongUsage, $"{option} is 'NF4'; it must be one of {names}.");
        prediction.AssertFault(DeepseekTool.WrongUsage, $"--prediction is 'int4'; it must be one of {names}, none.");
        twice.AssertFault(DeepseekTool.WrongUsage, option);
        without.AssertFault(DeepseekTool.WrongUsage, option);
        Assert.False(Directory.Exists("anywhere"));
    }

    [Fact]
    public async Task FinishedStore_SameOptions_IsCheckedAndSucceeds()
    {
        using TemporaryFolder folder = new();
        var first = await Tool.RunAsync("convert", Small, folder.File("store"), "--json");
        var before = StoreFolders.Files(folder.File("store"));

        var second = await Tool.RunAsync("convert", Small, folder.File("store"), "--json");

        Assert.Equal(first, second);
        Assert.Equal(before, StoreFolders.Files(folder.File("store")));
        StoreFolders.Flip(Path.Combine(folder.File("store"), "resident.safetensors"), 9000);
        var third = await Tool.RunAsync("convert", Small, folder.File("store"));
        third.AssertFault(DeepseekTool.Fault, "The file is damaged: mend it with deepseek verify STORE --repair CHECKPOINT.");
    }

    [Fact]
    public async Task FinishedStore_OtherOptionsOrModel_IsRefusedAndUntouched()
    {
        using TemporaryFolder folder = new();
        var store = await StoreFolders.ConvertAsync(folder, Small);
        var before = StoreFolders.Files(store);
        const string says = "The folder holds a finished store of another model or with other options. Give another folder, or remove this one.";

        (await Tool.RunAsync("convert", Small, store, "--head", "f32")).AssertFault(DeepseekTool.Fault, says);
        (await Tool.RunAsync("convert", Small, store, "--prediction", "none")).AssertFault(DeepseekTool.Fault, says);
        (await Tool.RunAsync("convert", Path.Combine(TestPaths.Fixtures, "v2"), store)).AssertFault(DeepseekTool.Fault, says);

        Assert.Equal(before, StoreFolders.Files(store));
    }

    [Fact]
    public async Task Folders_ThatCannotBe_AreNamed()
    {
        using TemporaryFolder folder = new();
        folder.Write("file", "");
        Directory.CreateDirectory(folder.File("full"));
        await File.WriteAllTextAsync(Path.Combine(folder.File("full"), "holiday.jpg"), "mine", TestContext.Current.CancellationToken);
        var store = await StoreFolders.ConvertAsync(folder, Small);

        (await Tool.RunAsync("convert", folder.File("none"), folder.File("out"))).AssertFault(DeepseekTool.Fault, "The folder does not exist");
        (await Tool.RunAsync("convert", folder.Path, folder.File("out"))).AssertFault(DeepseekTool.Fault, folder.Path);
        (await Tool.RunAsync("convert", folder.File("file"), folder.File("out"))).AssertFault(DeepseekTool.Fault, folder.File("file"));
        (await Tool.RunAsync("convert", store, folder.File("out"))).AssertFault(DeepseekTool.Fault, "neither model.safetensors.index.json nor model.safetensors");
        (await Tool.RunAsync("convert", Small, folder.File("file"))).AssertFault(DeepseekTool.Fault, $"{folder.File("file")}: It is a file; a store is a folder. Give another path.");
        (await Tool.RunAsync("convert", Small, folder.File("full"))).AssertFault(DeepseekTool.Fault, "holiday.jpg: The folder holds a file that is no part of this store.");
        (await Tool.RunAsync("convert", Small, Small)).AssertFault(DeepseekTool.Fault, "The folder holds a file that is no part of this store.");
        (await Tool.RunAsync("convert", Small)).AssertFault(DeepseekTool.WrongUsage, "'OUT' missing");
        (await Tool.RunAsync("convert", Small, folder.File("out"), "--threads", "0")).AssertFault(DeepseekTool.WrongUsage, "--threads is '0'; it must be a whole number, 1 to 1024.");

        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public async Task Checkpoint_ThatCannotBeRead_IsNamed()
    {
        using TemporaryFolder folder = new(), copy = new();
        copy.With(Small);
        var shard = Directory.EnumerateFiles(copy.Path, "model*.safetensors").First();
        using (var file = new FileStream(shard, FileMode.Open))
            file.SetLength(file.Length - 1);
        var cut = await Tool.RunAsync("convert", copy.Path, folder.File("store"));
        File.Delete(shard);
        Directory.CreateDirectory(shard);
        var folderInPlace = await Tool.RunAsync("convert", copy.Path, folder.File("store"));
        Directory.Delete(shard);
        var missing = await Tool.RunAsync("convert", copy.Path, folder.File("store"));
        copy.Write("config.json", "{");
        var config = await Tool.RunAsync("convert", copy.Path, folder.File("store"));

        Assert.All([cut, folderInPlace, missing], result => result.AssertFault(DeepseekTool.Fault, Path.GetFileName(shard)));
        Assert.Equal(1, config.ExitCode);
        Assert.DoesNotContain("internal error", cut.Error + folderInPlace.Error + missing.Error + config.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("store")));
    }

    [Fact]
    public async Task FullDisk_IsAFaultThatNamesFolderAndSizes()
    {
        using SmallDisk disk = new(1 << 20);
        using TemporaryFolder whole = new();
        var store = await StoreFolders.ConvertAsync(whole, Small);
        disk.Fill(100_000);

        var full = await Tool.RunAsync("convert", Small, disk.File("store"), "--json");
        disk.Empty();
        var again = await Tool.RunAsync("convert", Small, disk.File("store"), "--json");

        full.AssertFault(DeepseekTool.Fault, $"error: {disk.File("store")}: ");
        Assert.Matches(@": \d+ bytes are to be written, and the disk has \d+ bytes left\. Free \d+ bytes, or choose a folder on another disk\.\n$", full.Error);
        again.AssertSuccess();
        Assert.Equal(StoreFolders.Files(store), StoreFolders.Files(disk.File("store")));
    }

    [Fact]
    public async Task ReadOnlyDisk_IsAFault()
    {
        using SmallDisk disk = new(1 << 20);
        disk.MakeReadOnly();

        var result = await Tool.RunAsync("convert", Small, disk.File("store"));

        result.AssertFault(DeepseekTool.Fault, disk.File("store"));
        Assert.Contains("Read-only file system", result.Error, StringComparison.Ordinal);
    }

    private static long Number(ToolResult result, string name) => result.Objects.Single().GetProperty(name).GetInt64();
}
