using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class SamplingOptionsTests
{
    [Fact]
    public void Constructor_Parameterless_LeavesEverythingUnset()
    {
        SamplingOptions options = new();

        options.Validate();
        Assert.All(typeof(SamplingOptions).GetProperties(), property => Assert.Null(property.GetValue(options)));
    }

    [Fact]
    public void Validate_Everything_ReportsAllFaultsAtOnce()
    {
        SamplingOptions options = new()
        {
            Temperature = -1,
            TopK = -2,
            TopP = 1.5,
            MinP = double.NaN,
            TypicalP = 0,
            RepetitionPenalty = 0,
            FrequencyPenalty = 3,
            PresencePenalty = -3,
            LogitBias = new Dictionary<int, float> { [-5] = 1f, [4] = float.NaN },
            Processors = [new TopK(1), null!],
        };

        var fault = Assert.Throws<ArgumentException>(options.Validate);

        Assert.Equal(
            "SamplingOptions: Temperature is -1; it must be 0 or more and finite, since logits are divided by it; 0 always takes the best token. "
            + "TopK is -2; it must be 0 or more, since it counts tokens; 0 turns it off. "
            + "TopP is 1.5; it must be 0 to 1, since it is a share of the probability; 1 turns it off. "
            + "MinP is NaN; it must be 0 to 1, since it is a share of the best token's probability; 0 turns it off. "
            + "TypicalP is 0; it must be more than 0 and at most 1, since it is a share of the probability; 1 turns it off. "
            + "RepetitionPenalty is 0; it must be more than 0 and finite, since logits are divided and multiplied by it; 1 turns it off. "
            + "FrequencyPenalty is 3; it must be -2 to 2, the range of OpenAI's API; 0 turns it off. "
            + "PresencePenalty is -3; it must be -2 to 2, the range of OpenAI's API; 0 turns it off. "
            + "LogitBias names token -5; ids must be 0 or more. "
            + "LogitBias[4] is NaN; it must be finite, or -Infinity to ban the token. "
            + "Processors[1] is null; every processor must be given.",
            fault.Message);
    }

    [Fact]
    public void Validate_EndsOfTheRanges_Pass()
    {
        SamplingOptions low = new() { Temperature = 0, TopK = 0, TopP = 0, MinP = 0, TypicalP = double.Epsilon, RepetitionPenalty = double.Epsilon, FrequencyPenalty = -2, PresencePenalty = -2 };
        SamplingOptions high = new() { Temperature = double.MaxValue, TopK = int.MaxValue, TopP = 1, MinP = 1, TypicalP = 1, RepetitionPenalty = double.MaxValue, FrequencyPenalty = 2, PresencePenalty = 2 };

        low.Validate();
        high.Validate();
    }

    [Fact]
    public void Or_UnsetSettings_ComeFromTheModel()
    {
        GenerationDefaults defaults = new() { Temperature = 0.6, TopK = 50, TopP = 0.95, MinP = 0.1, TypicalP = 0.9, RepetitionPenalty = 1.1 };

        var options = new SamplingOptions { Seed = 5, FrequencyPenalty = 1 }.Or(defaults);

        Assert.Equal(new SamplingOptions { Temperature = 0.6, TopK = 50, TopP = 0.95, MinP = 0.1, TypicalP = 0.9, RepetitionPenalty = 1.1, Seed = 5, FrequencyPenalty = 1 }, options);
    }

    [Fact]
    public void Or_SetSettings_Win()
    {
        SamplingOptions mine = new() { Temperature = 1, TopK = 0, TopP = 1, MinP = 0, TypicalP = 1, RepetitionPenalty = 1 };

        var options = mine.Or(new GenerationDefaults { Temperature = 0.6, TopK = 50, TopP = 0.95, MinP = 0.1, TypicalP = 0.9, RepetitionPenalty = 1.1 });

        Assert.Equal(mine, options);
    }

    [Fact]
    public void Or_None_ChangesNothing() => Assert.Equal(new SamplingOptions { TopK = 3 }, new SamplingOptions { TopK = 3 }.Or(GenerationDefaults.None));
}
