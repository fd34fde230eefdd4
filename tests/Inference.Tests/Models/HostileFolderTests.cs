using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Models;

/// <summary>Whole folders as accidents and attackers leave them: a typed error, or a model that runs.</summary>
public sealed class HostileFolderTests
{
    [Theory]
    [InlineData("v3-fp8", "config.json", 150)]
    [InlineData("v3-mtp", "config.json", 150)]
    [InlineData("distill-llama", "config.json", 150)]
    [InlineData("v2", "model.safetensors.index.json", 100)]
    [InlineData("v3-fp8", "model-00002-of-000002.safetensors", 150)]
    [InlineData("distill-qwen2", "model.safetensors", 150)]
    public async Task LoadAsync_DamagedFile_ThrowsATypedErrorOrRuns(string fixture, string file, int cases)
    {
        using var folder = new TemporaryFolder();
        foreach (var path in Directory.GetFiles(Fixture.Folder(fixture)).Where(path => Path.GetFileName(path) != "golden.safetensors"))
            File.Copy(path, folder.File(Path.GetFileName(path)));
        var sound = File.ReadAllBytes(folder.File(file));
        var headerLength = file.EndsWith(".safetensors", StringComparison.Ordinal) ? 8 + (int)BitConverter.ToInt64(sound) : sound.Length;
        var random = new Random(headerLength);
        var (loaded, refused) = (0, 0);

        for (var i = 0; i < cases; i++)
        {
            byte[] damaged = [.. Mutation.Apply(sound[..headerLength], random), .. sound[headerLength..]];
            File.WriteAllBytes(folder.File(file), damaged);
            try
            {
                await RunAsync(folder.Path);
                loaded++;
            }
            catch (CheckpointFormatException fault)
            {
                Assert.StartsWith(folder.Path, fault.File, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.Equal(cases, loaded + refused);
        Assert.True(refused > 0);
    }

    private static async Task RunAsync(string folder)
    {
        using var model = await LanguageModel.LoadAsync(folder, cancellationToken: TestContext.Current.CancellationToken);
        using var cache = model.CreateCache();
        var count = Math.Min(5, model.Config.MaxPositions);
        var ids = Enumerable.Range(0, count).Select(i => i % model.Config.VocabularySize).ToArray();
        using var logits = model.Forward(ids, cache, LogitRows.All);
        Assert.Equal([count, model.Config.VocabularySize], logits.shape);
        Assert.Equal(count, cache.Length);
    }
}
