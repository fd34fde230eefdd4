using Deepseek.Inference.Caching;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Evaluation;

public sealed class ModelBenchmarkOptionsTests
{
    private static readonly ModelConfig Config = ModelConfig.Load(Fixture.Folder("v2-lite")) with { MaxPositions = 1000 };

    [Fact]
    public void Validate_EveryFault_IsNamedInOneMessage()
    {
        var options = new ModelBenchmarkOptions { PromptTokens = 1001, NewTokens = 1, Depth = 1000, BatchSize = 0, Repetitions = 1001 };

        var fault = Assert.Throws<ArgumentException>(() => options.Validate(Config));

        Assert.Equal(
            "ModelBenchmarkOptions: PromptTokens is 1001; it must be 0 to 1000, the positions that the model was made for. "
            + "Depth is 1000 and NewTokens 1; together they must be at most 1000, the positions that the model was made for. With so many new tokens a depth of 999 fits. "
            + "BatchSize is 0; it must be 1 to 1024. Repetitions is 1001; it must be 1 to 1000.",
            fault.Message);
    }

    [Fact]
    public void Validate_NegativeNumbers_AreNamed()
    {
        var options = new ModelBenchmarkOptions { PromptTokens = -1, NewTokens = -2, Depth = -3, BatchSize = 1025, Repetitions = 0 };

        var fault = Assert.Throws<ArgumentException>(() => options.Validate(Config));

        Assert.Equal(
            "ModelBenchmarkOptions: PromptTokens is -1; it must be 0 to 1000, the positions that the model was made for. "
            + "NewTokens is -2; it must be 0 or more. Depth is -3; it must be 0 or more. BatchSize is 1025; it must be 1 to 1024. Repetitions is 0; it must be 1 to 1000.",
            fault.Message);
    }

    [Theory]
    [InlineData(0, 1001)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public void Validate_MoreNewTokensThanPositions_NoDepthFits(int depth, int tokens)
    {
        var fault = Assert.Throws<ArgumentException>(() => new ModelBenchmarkOptions { Depth = depth, NewTokens = tokens }.Validate(Config));

        Assert.Equal($"ModelBenchmarkOptions: Depth is {depth} and NewTokens {tokens}; together they must be at most 1000, the positions that the model was made for.", fault.Message);
    }

    [Fact]
    public void Validate_NothingToTime_IsRefused()
    {
        var fault = Assert.Throws<ArgumentException>(() => new ModelBenchmarkOptions { PromptTokens = 0, NewTokens = 0 }.Validate(Config));

        Assert.Equal("ModelBenchmarkOptions: PromptTokens and NewTokens are both 0; one of them must be 1 or more, since nothing would be timed.", fault.Message);
    }

    [Fact]
    public void Validate_PrecisionOfCachesThatTheModelCannotHave_IsNamed()
    {
        var grouped = ModelConfig.Load(Fixture.Folder("distill-qwen2"));

        var unknown = Assert.Throws<ArgumentException>(() => new ModelBenchmarkOptions { PromptTokens = 1, NewTokens = 1, CachePrecision = (CachePrecision)9 }.Validate(Config));
        var whole = Assert.Throws<ArgumentException>(() => new ModelBenchmarkOptions { PromptTokens = 1, NewTokens = 1, CachePrecision = CachePrecision.Int16 }.Validate(grouped));

        Assert.Equal("ModelBenchmarkOptions: CachePrecision is 9; it must be Float32, BFloat16, Float16 or Int16.", unknown.Message);
        Assert.Equal(
            "ModelBenchmarkOptions: CachePrecision is Int16; whole numbers are kept of latent attention alone, which this model does not have. Use Float32, BFloat16 or Float16.", whole.Message);
        new ModelBenchmarkOptions { CachePrecision = CachePrecision.Int16 }.Validate(Config);
    }

    [Fact]
    public void Validate_DefaultsAndLimits_Pass()
    {
        new ModelBenchmarkOptions().Validate(Config);
        new ModelBenchmarkOptions { PromptTokens = 1000, NewTokens = 1, Depth = 999, BatchSize = 1024, Repetitions = 1000 }.Validate(Config);
        new ModelBenchmarkOptions { PromptTokens = 0, NewTokens = 1000, BatchSize = 1, Repetitions = 1 }.Validate(Config);
        Assert.Throws<ArgumentNullException>("config", () => new ModelBenchmarkOptions().Validate(null!));
    }
}
