using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Configuration;

namespace Deepseek.Inference.Tests.Store;

public sealed class SyntheticOptionsTests
{
    [Fact]
    public void Validate_Defaults_FitEveryModel()
    {
        Assert.All(KnownModels.Names, name => new SyntheticOptions().Validate(KnownModels.ByName(name)));
    }

    [Fact]
    public void Validate_SeveralFaults_AreAllNamed()
    {
        var options = new SyntheticOptions { Layers = 70, MultiTokenPrediction = true, Skew = -0.5, Threads = 0 };

        var fault = Assert.Throws<ArgumentException>(() => options.Validate(KnownModels.R1 with { MultiTokenPredictionLayers = 0 }));

        Assert.Equal(
            "SyntheticOptions: Layers is 70; it must be 1 to 61, the model's layers. MultiTokenPrediction is true; it must be false, since the model has no multi-token-prediction layer. "
            + "Skew is -0.5; it must be 0 to 2. Threads is 0; it must be 1 to 1024.", fault.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(62)]
    public void Validate_LayersThatTheModelLacks_AreRefused(int layers)
    {
        var fault = Assert.Throws<ArgumentException>(() => new SyntheticOptions { Layers = layers }.Validate(KnownModels.R1));

        Assert.Contains($"Layers is {layers}; it must be 1 to 61, the model's layers.", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2.01)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Validate_SkewOutOfRange_IsRefused(double skew)
    {
        Assert.Throws<ArgumentException>(() => new SyntheticOptions { Skew = skew }.Validate(KnownModels.R1));
    }

    [Fact]
    public void Validate_SkewOfADenseModel_IsRefused()
    {
        var fault = Assert.Throws<ArgumentException>(() => new SyntheticOptions { Skew = 1 }.Validate(ModelConfig.Load(ConfigText.Folder("distill-qwen2"))));

        Assert.Equal("SyntheticOptions: Skew is 1; it must be null, since the model has no experts.", fault.Message);
    }
}
