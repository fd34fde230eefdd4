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

    [Theory]
    [InlineData("config.json", 0.5)]
    [InlineData("model.safetensors", 0.0001)] // of the header
    [InlineData("model.safetensors", 1)] // the last byte
    public void Fingerprint_AnotherByte_IsAnother(string name, double share)
    {
        using var copy = Copy();
        var file = copy.File(name);
        var before = Fingerprint(copy.Path);
        var at = (long)(share * (new FileInfo(file).Length - 1));
        if (name == "config.json")
            File.AppendAllText(file, " ");
        else if (share == 1)
            Stores.Flip(file, at);
        else
            RenameTensor(file);

        Assert.NotEqual(before, Fingerprint(copy.Path));
    }

    [Fact]
    public void Fingerprint_RetrainedWeights_IsAnother()
    {
        using var copy = Copy();
        var before = Fingerprint(copy.Path);
        using (var file = new FileStream(copy.File("model.safetensors"), FileMode.Open, FileAccess.ReadWrite))
        {
            // One byte in 4,096 changes: training changes nearly all.
            for (var at = file.Length / 2; at < file.Length; at += 4096)
            {
                file.Position = at;
                var value = (byte)file.ReadByte();
                file.Position = at;
                file.WriteByte((byte)(value ^ 1));
            }
        }

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
        foreach (var name in new[] { "config.json", "model.safetensors" })
            File.Copy(Path.Combine(TestPaths.Nano, name), copy.File(name));
        return copy;
    }

    // The header stays sound: a letter of a name that is unique becomes another.
    private static void RenameTensor(string file)
    {
        var bytes = File.ReadAllBytes(file);
        var at = bytes.AsSpan().IndexOf("model.norm.weight"u8);
        bytes[at] = (byte)'n';
        File.WriteAllBytes(file, bytes);
    }
}
