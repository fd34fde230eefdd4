using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

/// <summary>A store of a mixture model with multi-token prediction and files beside its shards, made once for a class of tests; tests that harm it take a copy.</summary>
public sealed class MadeStore : IAsyncLifetime
{
    private TemporaryFolder? _checkpoint;
    private TemporaryFolder? _store;

    public string Checkpoint => _checkpoint!.Path;

    public string Folder => _store!.Path;

    public byte[] Manifest => File.ReadAllBytes(Path.Combine(Folder, "store.json"));

    public async ValueTask InitializeAsync()
    {
        _checkpoint = new TemporaryFolder();
        CopyFiles(Fixture.Folder("v3-mtp"), _checkpoint.Path, name => name != "golden.safetensors");
        CopyFiles(TestPaths.Nano, _checkpoint.Path, name => name is "tokenizer.json" or "tokenizer_config.json");
        _store = new TemporaryFolder();
        await StoreConverter.ConvertAsync(Checkpoint, Folder);
    }

    public ValueTask DisposeAsync()
    {
        _checkpoint?.Dispose();
        _store?.Dispose();
        return ValueTask.CompletedTask;
    }

    internal TemporaryFolder Copy()
    {
        var copy = new TemporaryFolder();
        CopyFiles(Folder, copy.Path, _ => true);
        return copy;
    }

    /// <summary>A copy with another manifest.</summary>
    internal TemporaryFolder Copy(byte[] manifest)
    {
        var copy = Copy();
        File.WriteAllBytes(copy.File("store.json"), manifest);
        return copy;
    }

    private static void CopyFiles(string from, string to, Func<string, bool> which)
    {
        foreach (var path in Directory.EnumerateFiles(from).Where(path => which(Path.GetFileName(path))))
            File.Copy(path, Path.Combine(to, Path.GetFileName(path)));
    }
}
