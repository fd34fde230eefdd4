using Deepseek.Inference.Compute;
using Deepseek.Inference.Models;

namespace Deepseek.Inference.Tests.Models;

public sealed class ModelOptionsTests
{
    [Fact]
    public async Task LoadAsync_EveryFaultOfTheOptions_IsNamedInOneMessage()
    {
        var options = new ModelOptions { Device = "tpu", Threads = 0, ChunkSize = 65_537, AttentionForm = (AttentionForm)9 };

        var fault = await Assert.ThrowsAsync<ArgumentException>(() => LanguageModel.LoadAsync("nowhere", options, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(
            "ModelOptions: Device is 'tpu'; it must be cpu, cuda or cuda:N. Threads is 0; it must be 1 to 1024. "
            + "ChunkSize is 65537; it must be 1 to 65536 tokens. AttentionForm is 9; it must be Absorbed or Naive.",
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

    [Fact]
    public void Validate_DefaultsAndLimits_Pass()
    {
        new ModelOptions().Validate();
        new ModelOptions { Device = "cuda", Threads = 1024, ChunkSize = 65_536 }.Validate();
        new ModelOptions { Device = "cuda:127", Threads = 1, ChunkSize = 1, AttentionForm = AttentionForm.Naive }.Validate();
    }
}
