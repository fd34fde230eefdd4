using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Tests.Generation;

public sealed class GenerationOptionsTests
{
    [Fact]
    public void Validate_EveryFault_IsNamedInOneMessage()
    {
        var options = new GenerationOptions
        {
            MaxNewTokens = 0,
            Alternatives = 101,
            EndTokens = [3, -1, -7, -1],
            StopRules = [new StopTokens([1]), null!],
            Sampling = null!,
        };

        var fault = Assert.Throws<ArgumentException>(options.Validate);

        Assert.Equal(
            "GenerationOptions: MaxNewTokens is 0; it must be at least 1. Alternatives is 101; it must be 0 to 100. EndTokens holds -7, -1; token ids must be 0 or more. "
            + "Sampling is null; leave it out for the defaults. StopRules[1] is null; every rule must be given.",
            fault.Message);
    }

    [Fact]
    public void Validate_NoListOfRules_IsNamed() => Assert.Equal(
        "GenerationOptions: StopRules is null; leave it out for none.", Assert.Throws<ArgumentException>(new GenerationOptions { StopRules = null! }.Validate).Message);

    [Fact]
    public void Validate_SamplingAtFault_NamesIt() => Assert.StartsWith(
        "SamplingOptions: TopP is 2;", Assert.Throws<ArgumentException>(new GenerationOptions { Sampling = new() { TopP = 2 } }.Validate).Message, StringComparison.Ordinal);

    [Fact]
    public void Validate_DefaultsAndLimits_Pass()
    {
        new GenerationOptions().Validate();
        new GenerationOptions { MaxNewTokens = 1, Alternatives = 100, EndTokens = [] }.Validate();
    }
}
