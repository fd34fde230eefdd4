using Deepseek.Inference.Store;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

/// <summary><c>convert --calibrate</c> and what it means to <c>verify --repair</c>.</summary>
[Collection(nameof(WholeProcess))]
public sealed class ConvertCalibrationTests : IDisposable
{
    private const string Journal = "convert.journal";

    private readonly TemporaryFolder _folder = new();

    public ConvertCalibrationTests()
    {
        Text = _folder.Write("text.txt", "What is 1 + 2? 1 + 2 = 3. Sort these numbers: 5, 3, 9.");
        OtherText = _folder.Write("other.txt", "It was the best of times, it was the worst of times.");
    }

    private string Text { get; }

    private string OtherText { get; }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Text_MeasuresAndLeavesNoProgressFiles()
    {
        using TemporaryFolder plain = new();
        var without = await StoreFolders.ConvertAsync(plain, TestPaths.Nano);

        var store = await StoreFolders.ConvertAsync(_folder, TestPaths.Nano, "--calibrate", Text);

        Assert.Equal(StoreFolders.Files(without).Keys, StoreFolders.Files(store).Keys);
        Assert.NotEqual(StoreFolders.Files(without)["resident.safetensors"], StoreFolders.Files(store)["resident.safetensors"]);
        Assert.Contains("\n  \"calibration\": \"", await File.ReadAllTextAsync(Path.Combine(store, "store.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeptEnergies_AreUsedInPlaceOfTheText()
    {
        var own = await InterruptedAsync("a", TestPaths.Nano, Text);
        var other = await InterruptedAsync("b", TestPaths.Nano, OtherText);
        Assert.NotEqual(Path.GetFileName(own), Path.GetFileName(other));
        var fromFile = await Tool.RunAsync("convert", TestPaths.Nano, _folder.File("c"), "--calibrate", Kept(other, "energies.safetensors"), "--json");
        File.Copy(other, own, overwrite: true); // so that it can be told which of them is used

        var resumed = await Tool.RunAsync("convert", TestPaths.Nano, _folder.File("a"), "--calibrate", Text, "--json");

        fromFile.AssertSuccess();
        resumed.AssertSuccess();
        Assert.Equal(StoreFolders.Files(_folder.File("c")), StoreFolders.Files(_folder.File("a")));
        Assert.DoesNotContain(StoreFolders.Files(_folder.File("a")).Keys, name => name.StartsWith("convert.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Energies_OfOneCheckpoint_AreNotTakenForAnother()
    {
        using TemporaryFolder copy = new();
        copy.With(TestPaths.Nano);

        var own = await InterruptedAsync("a", TestPaths.Nano, Text);
        var ofCopy = await InterruptedAsync("b", copy.Path, Text);

        Assert.NotEqual(Path.GetFileName(own), Path.GetFileName(ofCopy));
    }

    [Fact]
    public async Task FolderThatCannotBeWritten_IsRefusedBeforeTheTextIsRun()
    {
        Directory.CreateDirectory(_folder.File("full"));
        await File.WriteAllTextAsync(Path.Combine(_folder.File("full"), "holiday.jpg"), "mine", TestContext.Current.CancellationToken);
        var store = await StoreFolders.ConvertAsync(_folder, TestPaths.Nano);
        var before = StoreFolders.Files(store);
        // A text that could not be run: whoever looks at it says something else.
        var bad = _folder.Write("empty.txt", "");

        var strange = await Tool.RunAsync("convert", TestPaths.Nano, _folder.File("full"), "--calibrate", bad);
        var finished = await Tool.RunAsync("convert", TestPaths.Nano, store, "--calibrate", bad);
        var missing = await Tool.RunAsync("convert", _folder.File("none"), _folder.File("new"), "--calibrate", bad);

        strange.AssertFault(DeepseekTool.Fault, "holiday.jpg: The folder holds a file that is no part of this store.");
        finished.AssertFault(DeepseekTool.Fault, "The folder holds a finished store of another model or with other options.");
        missing.AssertFault(DeepseekTool.Fault, "The folder does not exist");
        Assert.Equal(["holiday.jpg"], StoreFolders.Files(_folder.File("full")).Keys);
        Assert.Equal(before, StoreFolders.Files(store));
        Assert.False(Directory.Exists(_folder.File("new")));
    }

    [Fact]
    public async Task TextOrEnergiesThatCannotBeRead_AreNamed()
    {
        var broken = _folder.Write("broken.safetensors", "no energies");
        var empty = _folder.Write("empty.txt", "");

        (await Tool.RunAsync("convert", TestPaths.Nano, _folder.File("new"), "--calibrate", _folder.File("none.txt"))).AssertFault(DeepseekTool.Fault, $"There is no file {_folder.File("none.txt")}; check the path.");
        (await Tool.RunAsync("convert", TestPaths.Nano, _folder.File("new"), "--calibrate", _folder.File("none.safetensors"))).AssertFault(DeepseekTool.Fault, _folder.File("none.safetensors"));
        (await Tool.RunAsync("convert", TestPaths.Nano, _folder.File("new"), "--calibrate", broken)).AssertFault(DeepseekTool.Fault, broken);
        Assert.Equal(1, (await Tool.RunAsync("convert", TestPaths.Nano, _folder.File("new"), "--calibrate", empty)).ExitCode);
        (await Tool.RunAsync("convert", TestPaths.Nano, _folder.File("new"), "--calibrate", "")).AssertFault(DeepseekTool.WrongUsage, "--calibrate is empty; it must be a path.");

        Assert.False(Directory.Exists(_folder.File("new")));
    }

    [Fact]
    public async Task FinishedCalibratedStore_SameText_IsCheckedAndUntouched()
    {
        var store = await StoreFolders.ConvertAsync(_folder, TestPaths.Nano, "--calibrate", Text);
        var before = StoreFolders.Files(store);

        var same = await Tool.RunAsync("convert", TestPaths.Nano, store, "--calibrate", Text, "--json");
        var other = await Tool.RunAsync("convert", TestPaths.Nano, store, "--calibrate", OtherText, "--json");
        var none = await Tool.RunAsync("convert", TestPaths.Nano, store, "--json");

        same.AssertSuccess();
        other.AssertFault(DeepseekTool.Fault, "The folder holds a finished store of another model or with other options.");
        none.AssertFault(DeepseekTool.Fault, "The folder holds a finished store of another model or with other options.");
        Assert.Equal(before, StoreFolders.Files(store));
    }

    [Fact]
    public async Task Repair_CalibratedStore_NeedsItsText()
    {
        var store = await StoreFolders.ConvertAsync(_folder, TestPaths.Nano, "--calibrate", Text);
        var before = StoreFolders.Files(store);
        StoreFolders.Flip(Path.Combine(store, "resident.safetensors"), 20_000);

        var without = await Tool.RunAsync("verify", store, "--repair", TestPaths.Nano);
        var other = await Tool.RunAsync("verify", store, "--repair", TestPaths.Nano, "--calibrate", OtherText);
        var mended = await Tool.RunAsync("verify", store, "--repair", TestPaths.Nano, "--calibrate", Text);
        // Nothing to mend: the text is not even looked at.
        var sound = await Tool.RunAsync("verify", store, "--repair", TestPaths.Nano, "--calibrate", _folder.File("none.txt"));

        without.AssertFault(DeepseekTool.Fault, "The store was calibrated; mending it needs the same column energies. Give --calibrate and the file that convert was given.");
        other.AssertFault(DeepseekTool.Fault, "The store was calibrated with other column energies.");
        mended.AssertSuccess();
        Assert.EndsWith(": 1 damaged, all mended.\n", mended.Out, StringComparison.Ordinal);
        sound.AssertSuccess();
        Assert.Equal(before, StoreFolders.Files(store));
    }

    /// <summary>A conversion that got as far as its energies and no further; returns the file that keeps them.</summary>
    private async Task<string> InterruptedAsync(string name, string checkpoint, string text)
    {
        Directory.CreateDirectory(_folder.File(name));
        using (new FileStream(Path.Combine(_folder.File(name), Journal), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
        {
            var result = await Tool.RunAsync("convert", checkpoint, _folder.File(name), "--calibrate", text);
            result.AssertFault(DeepseekTool.Fault, "Another process is converting into the folder. Wait for it, or give another folder.");
        }

        return Directory.EnumerateFiles(_folder.File(name), StoreConverter.KeptPrefix + "*").Single();
    }

    private string Kept(string path, string name)
    {
        File.Copy(path, _folder.File(name));
        return _folder.File(name);
    }
}
