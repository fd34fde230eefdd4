using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Models;

namespace Deepseek.Inference.Tests.Models;

public sealed class ModelOptionsTests
{
    [Fact]
    public async Task LoadAsync_EveryFaultOfTheOptions_IsNamedInOneMessage()
    {
        var options = new ModelOptions { Device = "tpu", Threads = 0, ChunkSize = 65_537, AttentionForm = (AttentionForm)9, Operations = (ComputeOperations)8, Activations = (ActivationPrecision)7 };

        var fault = await Assert.ThrowsAsync<ArgumentException>(() => LanguageModel.LoadAsync("nowhere", options, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(
            "ModelOptions: Device is 'tpu'; it must be cpu, cuda or cuda:N. Threads is 0; it must be 1 to 256. "
            + "ChunkSize is 65537; it must be 1 to 65536 tokens. AttentionForm is 9; it must be Absorbed or Naive. "
            + "Operations is 8; it must be Automatic, Torch or Cpu. Activations is 7; it must be Fp32, Int16 or Int8.",
            fault.Message);
    }

    [Theory]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:128")]
    [InlineData("cuda:1.0")]
    [InlineData("CPU")]
    [InlineData("cpu:0")]
    [InlineData("")]
    [InlineData(null)]
    public void Validate_OtherDevices_AreRefused(string? device)
    {
        var fault = Assert.Throws<ArgumentException>(() => new ModelOptions { Device = device! }.Validate());

        Assert.Equal($"ModelOptions: Device is '{device}'; it must be cpu, cuda or cuda:N.", fault.Message);
    }

    [Theory]
    [InlineData("cuda", AttentionForm.Absorbed, "Operations is Cpu and Device 'cuda'; the CPU operations compute on cpu alone.")]
    [InlineData("cuda:1", AttentionForm.Naive, "Operations is Cpu and Device 'cuda:1'; the CPU operations compute on cpu alone.")]
    [InlineData("cpu", AttentionForm.Naive, "Operations is Cpu and AttentionForm Naive; the CPU operations have the absorbed form alone.")]
    public void Validate_CpuOperationsWhereTheyDoNotCompute_AreRefused(string device, AttentionForm form, string expected)
    {
        var fault = Assert.Throws<ArgumentException>(() => new ModelOptions { Operations = ComputeOperations.Cpu, Device = device, AttentionForm = form }.Validate());

        Assert.Equal($"ModelOptions: {expected}", fault.Message);
    }

    [Theory]
    [InlineData(ComputeOperations.Automatic, "cpu", AttentionForm.Absorbed, true, 8192)]
    [InlineData(ComputeOperations.Cpu, "cpu", AttentionForm.Absorbed, true, 8192)]
    [InlineData(ComputeOperations.Torch, "cpu", AttentionForm.Absorbed, false, 512)]
    [InlineData(ComputeOperations.Automatic, "cpu", AttentionForm.Naive, false, 512)]
    [InlineData(ComputeOperations.Automatic, "cuda", AttentionForm.Absorbed, false, 512)]
    public void OnCpu_OperationsDeviceAndForm_DecideAndSetTheChunk(ComputeOperations operations, string device, AttentionForm form, bool expected, int chunk)
    {
        var options = new ModelOptions { Operations = operations, Device = device, AttentionForm = form };

        Assert.Equal((expected, chunk), (options.OnCpu, MemoryPlan.Chunk(KnownModels.R1, options, long.MaxValue)));
        Assert.Equal(33, MemoryPlan.Chunk(KnownModels.R1, options with { ChunkSize = 33 }, 1));
    }

    [Fact]
    public void Validate_DefaultsAndLimits_Pass()
    {
        new ModelOptions().Validate();
        new ModelOptions { Device = "cuda", Threads = 256, ChunkSize = 65_536, Operations = ComputeOperations.Torch }.Validate();
        new ModelOptions { Device = "cuda:127", Threads = 1, ChunkSize = 1, AttentionForm = AttentionForm.Naive }.Validate();
        new ModelOptions { Operations = ComputeOperations.Cpu, Activations = ActivationPrecision.Int8 }.Validate();
    }
}
