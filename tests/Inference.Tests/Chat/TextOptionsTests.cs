using Deepseek.Inference.Chat;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Chat;

public sealed class TextOptionsTests
{
    [Fact]
    public void Validate_EveryFault_IsNamedInOneMessage()
    {
        var options = new TextOptions { Generation = null!, StopStrings = ["a", "", null!] };

        var fault = Assert.Throws<ArgumentException>(options.Validate);

        Assert.Equal(
            "TextOptions: Generation is null; leave it out for the defaults. StopStrings[1] is empty; it must have at least one character. StopStrings[2] is null; it must have at least one character.",
            fault.Message);
    }

    [Fact]
    public void Validate_NoList_IsNamed() => Assert.Equal(
        "TextOptions: StopStrings is null; leave it out for none.", Assert.Throws<ArgumentException>(new TextOptions { StopStrings = null! }.Validate).Message);

    [Fact]
    public void Validate_GenerationAtFault_NamesIt() => Assert.StartsWith(
        "GenerationOptions: Alternatives is -1;", Assert.Throws<ArgumentException>(new TextOptions { Generation = new() { Alternatives = -1 } }.Validate).Message, StringComparison.Ordinal);

    [Fact]
    public void Validate_ConstraintWithoutItsPlace_IsNamed()
    {
        var options = new TextOptions
        {
            Constraint = TextConstraint.JsonObject(),
            Generation = new() { Chain = new SamplerChain([], new GreedySampler()), EndTokens = [] },
        };

        var fault = Assert.Throws<ArgumentException>(options.Validate);

        Assert.Equal(
            "TextOptions: Constraint is given beside Generation.Chain, which leaves no place for it; describe the chain by Generation.Sampling instead. Constraint is given, and Generation.EndTokens is empty; one token at least must be able to end the text. Leave it out for the model's own.",
            fault.Message);
    }

    [Fact]
    public void Validate_Defaults_Pass() => new TextOptions().Validate();
}
