using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

public sealed class VerifyCommandTests : IDisposable
{
    private static readonly string Small = StoreFolders.Small;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SoundStore_ExitsWith0()
    {
        var store = await StoreFolders.ConvertAsync(_folder, Small);

        var plain = await Tool.RunAsync("verify", store);
        var json = await Tool.RunAsync("verify", store, "--json");
        var repair = await Tool.RunAsync("verify", store, "--json", "--repair", Small);

        plain.AssertSuccess();
        json.AssertSuccess();
        Assert.Matches(@"^\d+ pages, [\d,]+ bytes: all sound\.\n$", plain.Out);
        var result = json.Objects.Single();
        Assert.Equal((true, false, 0), (result.GetProperty("sound").GetBoolean(), result.GetProperty("mended").GetBoolean(), result.GetProperty("damage").GetArrayLength()));
        Assert.Equal(StoreFolders.Files(store).Where(file => file.Key != "store.json").Sum(file => file.Value.LongLength), result.GetProperty("bytes").GetInt64());
        Assert.Equal(json, repair);
    }

    [Fact]
    public async Task DamagedStore_ExitsWith1_AndWith0OnceMended()
    {
        var store = await StoreFolders.ConvertAsync(_folder, Small);
        var before = StoreFolders.Files(store);
        StoreFolders.Flip(Path.Combine(store, "resident.safetensors"), 9000);
        File.Delete(Path.Combine(store, "experts-002.safetensors"));

        var json = await Tool.RunAsync("verify", store, "--json");
        var plain = await Tool.RunAsync("verify", store);
        var loading = await Tool.RunAsync("logits", "--model", store, "--ids", "1,2", "--out", _folder.File("logits"));
        var mending = await Tool.RunAsync("verify", store, "--json", "--repair", Small);
        var after = await Tool.RunAsync("verify", store, "--json");

        Assert.Equal((1, ""), (json.ExitCode, json.Error));
        var found = json.Objects.Single();
        Assert.False(found.GetProperty("sound").GetBoolean());
        Assert.False(found.GetProperty("mended").GetBoolean());
        var damage = found.GetProperty("damage").EnumerateArray().ToList();
        Assert.Equal(18, damage.Count); // a header and 16 experts, and the page
        Assert.All(damage.Take(17), one => Assert.Equal(("experts-002.safetensors", "missing"), (one.GetProperty("file").GetString(), one.GetProperty("found").GetString())));
        Assert.Equal("resident.safetensors", damage[17].GetProperty("file").GetString());
        Assert.Matches("^[0-9a-f]{32}$", damage[17].GetProperty("expected").GetString());
        Assert.Matches("^[0-9a-f]{32}$", damage[17].GetProperty("found").GetString());

        Assert.Equal((1, ""), (plain.ExitCode, plain.Error));
        Assert.Equal(19, plain.Out.TrimEnd('\n').Split('\n').Length);
        Assert.StartsWith("experts-002.safetensors page 0: missing, expected ", plain.Out, StringComparison.Ordinal);
        Assert.EndsWith(" bytes: 18 damaged. Mend them with --repair CHECKPOINT.\n", plain.Out, StringComparison.Ordinal);
        loading.AssertFault(DeepseekTool.Fault, "deepseek verify STORE --repair CHECKPOINT");

        mending.AssertSuccess();
        Assert.True(mending.Objects.Single().GetProperty("sound").GetBoolean());
        Assert.True(mending.Objects.Single().GetProperty("mended").GetBoolean());
        Assert.Equal(18, mending.Objects.Single().GetProperty("damage").GetArrayLength());
        after.AssertSuccess();
        Assert.Equal(before, StoreFolders.Files(store));
    }

    [Fact]
    public async Task ManyDamagedPages_AreNotAllListed()
    {
        var store = await StoreFolders.ConvertAsync(_folder, Small);
        File.Delete(Path.Combine(store, "experts-001.safetensors"));
        File.Delete(Path.Combine(store, "experts-002.safetensors"));

        var result = await Tool.RunAsync("verify", store);

        Assert.Equal(1, result.ExitCode);
        var lines = result.Out.TrimEnd('\n').Split('\n');
        Assert.Equal(22, lines.Length);
        Assert.Equal("… and 14 more", lines[20]);
    }

    [Fact]
    public async Task FileBesideTheShards_IsNamedWithoutAPage()
    {
        using TemporaryFolder checkpoint = new();
        checkpoint.With(Small);
        checkpoint.Write("tokenizer.json", "{}");
        var store = await StoreFolders.ConvertAsync(_folder, checkpoint.Path);
        await File.WriteAllTextAsync(Path.Combine(store, "tokenizer.json"), "[]", TestContext.Current.CancellationToken);

        var plain = await Tool.RunAsync("verify", store);
        var json = await Tool.RunAsync("verify", store, "--json");
        var mended = await Tool.RunAsync("verify", store, "--repair", checkpoint.Path);

        Assert.StartsWith("tokenizer.json: ", plain.Out, StringComparison.Ordinal);
        Assert.False(json.Objects.Single().GetProperty("damage")[0].TryGetProperty("page", out _));
        mended.AssertSuccess();
        Assert.EndsWith(": 1 damaged, all mended.\n", mended.Out, StringComparison.Ordinal);
        Assert.Equal("{}", await File.ReadAllTextAsync(Path.Combine(store, "tokenizer.json"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Repair_FromAnotherCheckpoint_IsRefusedAndChangesNothing()
    {
        var store = await StoreFolders.ConvertAsync(_folder, Small);
        StoreFolders.Flip(Path.Combine(store, "resident.safetensors"), 9000);
        var before = StoreFolders.Files(store);

        var other = await Tool.RunAsync("verify", store, "--repair", Path.Combine(TestPaths.Fixtures, "v3-fp32"), "--json");
        var missing = await Tool.RunAsync("verify", store, "--repair", _folder.File("none"), "--json");

        other.AssertFault(DeepseekTool.Fault, "The checkpoint is not the one that the store was made of: configuration or tensors differ.");
        missing.AssertFault(DeepseekTool.Fault, _folder.File("none"));
        Assert.Equal(before, StoreFolders.Files(store));
    }

    [Fact]
    public async Task NoStore_SaysWhatTheFolderIs()
    {
        var store = await StoreFolders.ConvertAsync(_folder, Small);
        Directory.CreateDirectory(_folder.File("empty"));
        Directory.CreateDirectory(_folder.File("unfinished"));
        await File.WriteAllTextAsync(Path.Combine(_folder.File("unfinished"), "convert.journal"), "", TestContext.Current.CancellationToken);
        Directory.CreateDirectory(_folder.File("damaged"));
        await File.WriteAllTextAsync(Path.Combine(_folder.File("damaged"), "store.json"), (await File.ReadAllTextAsync(Path.Combine(store, "store.json"), TestContext.Current.CancellationToken)).Replace("nf4", "nf5", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Directory.CreateDirectory(_folder.File("newer"));
        await File.WriteAllTextAsync(Path.Combine(_folder.File("newer"), "store.json"), "{\"format\": \"deepseek page store\", \"version\": 3}", TestContext.Current.CancellationToken);

        (await Tool.RunAsync("verify", _folder.File("none"))).AssertFault(DeepseekTool.Fault, "The folder does not exist; it must hold a page store.");
        (await Tool.RunAsync("verify", _folder.File("empty"), "--json")).AssertFault(DeepseekTool.Fault, "The folder has no store.json; it is no page store. Make one with deepseek convert.");
        (await Tool.RunAsync("verify", _folder.File("unfinished"))).AssertFault(DeepseekTool.Fault, "The store is not finished: its conversion was interrupted. Give the same deepseek convert command again; what is complete is kept.");
        (await Tool.RunAsync("verify", _folder.File("damaged"), "--json")).AssertFault(DeepseekTool.Fault, "the manifest is damaged. Fetch it again, or convert the checkpoint again into another folder.");
        (await Tool.RunAsync("verify", _folder.File("newer"), "--repair", Small)).AssertFault(DeepseekTool.Fault, "The store is of version 3; this library reads version 2. Update Deepseek.Inference, or convert the checkpoint with this one.");
        (await Tool.RunAsync("verify", Small)).AssertFault(DeepseekTool.Fault, "it is no page store.");
    }

    [Theory]
    [InlineData("--calibrate x.txt", "--calibrate belongs to --repair, which writes pages again. Give --repair CHECKPOINT, or leave it out.")]
    [InlineData("--repair", "--repair")]
    [InlineData("--repair ", "--repair is empty; it must be a path.")]
    [InlineData("--experts nf4", "--experts")]
    public async Task WrongUsage_ExitsWith2(string options, string says)
    {
        (await Tool.RunAsync(["verify", _folder.Path, .. options.Split(' ')])).AssertFault(DeepseekTool.WrongUsage, says);
        (await Tool.RunAsync("verify")).AssertFault(DeepseekTool.WrongUsage, "'STORE' missing");
    }

    [Fact]
    public async Task OpenInput_IsNeverAskedAnything()
    {
        var store = await StoreFolders.ConvertAsync(_folder, Small);
        Directory.CreateDirectory(_folder.File("full"));
        await File.WriteAllTextAsync(Path.Combine(_folder.File("full"), "holiday.jpg"), "mine", TestContext.Current.CancellationToken);

        foreach (var (exitCode, line) in new (int, string[])[]
        {
            (0, ["convert", Small, _folder.File("new")]), (0, ["convert", Small, store]), (1, ["convert", Small, store, "--head", "f32"]), (1, ["convert", Small, _folder.File("full")]),
            (0, ["verify", store]), (0, ["verify", store, "--repair", Small]),
        })
        {
            // Input stays open and silent: whoever read it would wait for ever.
            using var tool = ToolProcess.Start(line);
            await tool.Output.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            Assert.Equal(exitCode, (await tool.FinishAsync()).ExitCode);
        }
    }
}
