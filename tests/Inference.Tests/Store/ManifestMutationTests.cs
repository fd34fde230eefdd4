using System.Text;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Manifests with random damage under a right seal.</summary>
public sealed class ManifestMutationTests(MadeStore made) : IClassFixture<MadeStore>
{
    private const int Cases = 6_000;
    private const int WholeFolders = 60;

    // A document, a layout and messages: a small multiple, and a constant for what the runtime sets up once.
    private const long AllocationPerByte = 64;
    private const long AllocationConstant = 1 << 20;

    [Fact]
    public void Parse_MutatedManifests_AreReadOrRefusedInBoundedMemory()
    {
        var source = ManifestEdit.Unsealed(made.Manifest);
        var random = new Random(20250120);
        var (read, refused) = (0, 0);

        for (var i = 0; i < Cases; i++)
        {
            var manifest = Seal(Mutation.Apply(source, random));
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                var summary = StoreSummary.Of(StoreManifestReader.Parse(manifest, "store.json").Layout);
                Assert.InRange(summary.Bytes, 0, long.MaxValue);
                read++;
            }
            catch (CheckpointFormatException fault)
            {
                Assert.Equal("store.json", fault.File);
                refused++;
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= (AllocationPerByte * manifest.Length) + AllocationConstant, $"Case {i} allocated {allocated} bytes for {manifest.Length}: {Encoding.UTF8.GetString(manifest)}");
        }

        Assert.Equal(Cases, read + refused);
        Assert.True(read > Cases / 100 && refused > Cases / 4, $"{read} read, {refused} refused: the mutations are too weak or too strong to say anything.");
    }

    [Fact]
    public async Task WholeFolder_MutatedManifests_EveryFaultIsTyped()
    {
        var source = ManifestEdit.Unsealed(made.Manifest);
        var random = new Random(20250121);
        using var folder = made.Copy();
        var (loaded, refused) = (0, 0);

        for (var i = 0; loaded + refused < WholeFolders; i++)
        {
            var manifest = Seal(Mutation.Apply(source, random));
            if (Record.Exception(() => StoreManifestReader.Parse(manifest, "store.json")) is not null)
                continue; // seen above
            await File.WriteAllBytesAsync(folder.File("store.json"), manifest, TestContext.Current.CancellationToken);
            var before = Stores.Files(folder.Path);
            await IsTypedAsync(() => StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));
            await IsTypedAsync(() => StoreConverter.ConvertAsync(made.Checkpoint, folder.Path, cancellationToken: TestContext.Current.CancellationToken));
            await IsTypedAsync(() => StoreVerifier.RepairAsync(folder.Path, made.Checkpoint, cancellationToken: TestContext.Current.CancellationToken));
            Assert.Equal(before, Stores.Files(folder.Path)); // no page is written that is not what the manifest says and the checkpoint gives
            if (await IsTypedAsync(() => RunAsync(folder.Path)))
                loaded++;
            else
                refused++;
        }

        Assert.True(loaded > WholeFolders / 20 && refused > WholeFolders / 20, $"{loaded} loaded, {refused} refused: the mutations are too weak or too strong to say anything.");
    }

    private static byte[] Seal(byte[] text) => StoreSeal.Seal(text.Contains((byte)'}') ? text : [.. text, (byte)'}']);

    /// <summary>True where it ran through, false where it failed as it may.</summary>
    private static async Task<bool> IsTypedAsync(Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (Exception fault) when (fault is CheckpointFormatException or StoreCorruptedException)
        {
            return false;
        }
    }

    private static async Task RunAsync(string folder)
    {
        using var model = await LanguageModel.LoadAsync(folder, cancellationToken: TestContext.Current.CancellationToken);
        using var cache = model.CreateCache();
        var count = Math.Min(3, model.Config.MaxPositions);
        using var logits = model.Forward(Enumerable.Range(0, count).Select(i => i % model.Config.VocabularySize).ToArray(), cache, LogitRows.All);
        Assert.Equal([count, model.Config.VocabularySize], logits.shape);
    }
}
