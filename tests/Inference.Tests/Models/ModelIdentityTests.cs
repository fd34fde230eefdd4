using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Store;

namespace Deepseek.Inference.Tests.Models;

public sealed class ModelIdentityTests
{
    private const string LastShard = "model-00003-of-000003.safetensors"; // more data than is read as a whole

    [Fact]
    public void Computing_WhatChangesValues_IsSaid()
    {
        Assert.Equal("the CPU operations with int16 activations and absorbed attention", ModelIdentity.Computing(new ModelOptions(), isStore: true));
        Assert.Equal("the CPU operations with int8 activations and absorbed attention", ModelIdentity.Computing(new ModelOptions { Activations = ActivationPrecision.Int8 }, isStore: true));
        Assert.Equal("the CPU operations with fp32 activations and absorbed attention", ModelIdentity.Computing(new ModelOptions(), isStore: false));
        Assert.Equal("the Torch operations on cpu with fp32 activations and absorbed attention", ModelIdentity.Computing(new ModelOptions { Operations = ComputeOperations.Torch }, isStore: true));
        Assert.Equal("the Torch operations on cuda with fp32 activations and naive attention", ModelIdentity.Computing(new ModelOptions { Device = "cuda:1", AttentionForm = AttentionForm.Naive }, isStore: true));
        Assert.Equal("the CPU operations with int16 activations and absorbed attention, cache preference 0.5", ModelIdentity.Computing(new ModelOptions { Paging = new PagingOptions { CachePreference = 0.5 } }, isStore: true));
    }

    [Fact]
    public void Computing_WhatChangesNothing_IsNotSaid()
    {
        var options = new ModelOptions { Threads = 3, ChunkSize = 7, Memory = new() { RamBytes = 1 << 30 }, Paging = new PagingOptions { Prefetch = true, Eviction = EvictionPolicy.LeastStale } };

        Assert.Equal(ModelIdentity.Computing(new ModelOptions(), isStore: true), ModelIdentity.Computing(options, isStore: true));
    }

    [Fact]
    public void Fingerprint_Copy_IsTheSame()
    {
        using var copy = Copy();

        Assert.Equal(Fingerprint(TestPaths.Nano), Fingerprint(copy.Path));
    }

    [Fact]
    public void Fingerprint_AnotherConfiguration_IsAnother() => AssertAnother(folder => File.AppendAllText(folder.File("config.json"), " "));

    [Fact]
    public void Fingerprint_AnotherLastByte_IsAnother() =>
        AssertAnother(folder => Stores.Flip(folder.File(LastShard), new FileInfo(folder.File(LastShard)).Length - 1));

    [Fact]
    public void Fingerprint_AnotherHeader_IsAnother() => AssertAnother(folder =>
    {
        foreach (var file in Directory.EnumerateFiles(folder.Path))
        {
            var bytes = File.ReadAllBytes(file);
            if (bytes.AsSpan().IndexOf("model.norm.weight"u8) is >= 0 and var at)
                bytes[at] = (byte)'n'; // in the index and in a shard, which stay sound
            File.WriteAllBytes(file, bytes);
        }
    });

    [Fact]
    public void Fingerprint_RetrainedWeights_IsAnother() => AssertAnother(folder =>
    {
        var bytes = File.ReadAllBytes(folder.File(LastShard));
        for (var at = bytes.Length / 2; at < bytes.Length; at += 4096)
            bytes[at] ^= 1; // one byte in 4,096: training changes nearly all
        File.WriteAllBytes(folder.File(LastShard), bytes);
    });

    private static void AssertAnother(Action<TemporaryFolder> change)
    {
        using var copy = Copy();
        var before = Fingerprint(copy.Path);

        change(copy);

        Assert.NotEqual(before, Fingerprint(copy.Path));
    }

    private static UInt128 Fingerprint(string folder)
    {
        using var checkpoint = CheckpointFolder.Open(folder);
        return CheckpointFingerprint.Of(checkpoint);
    }

    private static TemporaryFolder Copy()
    {
        var copy = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(TestPaths.Nano).Where(file => Path.GetFileName(file) is "config.json" or ['m', 'o', 'd', 'e', 'l', ..]))
            File.Copy(file, copy.File(Path.GetFileName(file)));
        return copy;
    }
}
