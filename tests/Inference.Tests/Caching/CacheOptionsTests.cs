using Deepseek.Inference.Caching;

namespace Deepseek.Inference.Tests.Caching;

public sealed class CacheOptionsTests
{
    [Fact]
    public void Validate_EveryFault_IsNamedInOneMessage()
    {
        var options = new CacheOptions { Precision = (CachePrecision)7, MaxLength = 0, Window = new AttentionWindow(0, -1) };

        var fault = Assert.Throws<ArgumentException>(() => options.Validate(4096, allowsInt16: true));

        Assert.Equal(
            "CacheOptions: Precision is 7; it must be Float32, BFloat16, Float16 or Int16. MaxLength is 0; it must be 1 to 4096, the positions that the model was made for. "
            + "Window.Recent is 0; it must be at least 1, since a token sees itself. Window.Sink is -1; it must be 0 or more.",
            fault.Message);
    }

    [Fact]
    public void Validate_LongerThanTheModel_IsRefused()
    {
        var fault = Assert.Throws<ArgumentException>(() => new CacheOptions { MaxLength = 4097 }.Validate(4096, allowsInt16: true));

        Assert.Equal("CacheOptions: MaxLength is 4097; it must be 1 to 4096, the positions that the model was made for.", fault.Message);
    }

    [Fact]
    public void Validate_Int16WhereItIsNotKept_NamesTheOthers()
    {
        var fault = Assert.Throws<ArgumentException>(() => new CacheOptions { Precision = CachePrecision.Int16, MaxLength = 0 }.Validate(4096, allowsInt16: false));

        Assert.Equal(
            "CacheOptions: Precision is Int16; whole numbers are kept of latent attention on a CPU alone. Use Float32, BFloat16 or Float16. "
            + "MaxLength is 0; it must be 1 to 4096, the positions that the model was made for.",
            fault.Message);
    }

    [Fact]
    public void Validate_DefaultsAndLimits_Pass()
    {
        new CacheOptions().Validate(1, allowsInt16: false);
        new CacheOptions { MaxLength = 4096, Window = new AttentionWindow(1), Precision = CachePrecision.Float16 }.Validate(4096, allowsInt16: false);
        new CacheOptions { Precision = CachePrecision.Int16 }.Validate(1, allowsInt16: true);
    }
}
