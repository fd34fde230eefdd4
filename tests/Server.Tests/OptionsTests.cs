using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Server.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void Validate_Defaults_AreRight()
    {
        new DeepseekServerOptions().Validate();
    }

    [Fact]
    public void Validate_EverythingAtFault_IsReportedAtOnce()
    {
        var options = new DeepseekServerOptions
        {
            ApiKeys = ["", null!, "a b", "secret\n", "right"],
            MaxBodyBytes = 10,
            RequestTimeout = TimeSpan.Zero,
            MaxChoices = 0,
            MaxPrompts = 2000,
        };

        var fault = Assert.Throws<ArgumentException>(options.Validate);

        Assert.Equal(
            "DeepseekServerOptions: ApiKeys[0] is empty; it must have at least one character, since an empty key protects nothing. "
            + "ApiKeys[1] is null; it must have at least one character, since an empty key protects nothing. "
            + "ApiKeys[2] has a character that a header cannot carry; it must be of printable ASCII without spaces. "
            + "ApiKeys[3] has a character that a header cannot carry; it must be of printable ASCII without spaces. "
            + "MaxBodyBytes is 10; it must be 1024 to 1073741824. "
            + "RequestTimeout is 00:00:00; it must be more than 0 and at most 24 days, or null for no limit. "
            + "MaxChoices is 0; it must be 1 to 128. "
            + "MaxPrompts is 2000; it must be 1 to 1024.",
            fault.Message);
    }

    [Fact]
    public void Validate_NullKeys_AreRefused()
    {
        var fault = Assert.Throws<ArgumentException>(new DeepseekServerOptions { ApiKeys = null! }.Validate);

        Assert.Equal("DeepseekServerOptions: ApiKeys is null; leave it out for none.", fault.Message);
    }

    [Theory]
    [InlineData("example.org")]
    [InlineData("")]
    [InlineData("127.0.0.1:80")]
    public void Create_HostThatIsNoAddress_IsRefused(string host)
    {
        var fault = Assert.Throws<ArgumentException>(() => DeepseekServer.Create(options => options.ModelPath = TestPaths.Nano, host: host));

        Assert.StartsWith($"host is '{host}'; it must be localhost, or an IP address of this machine such as 127.0.0.1, or 0.0.0.0 for all of them.", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(65536)]
    public void Create_PortThatIsNone_IsRefused(int port)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => DeepseekServer.Create(options => options.ModelPath = TestPaths.Nano, port: port));
    }

    [Fact]
    public void Create_FolderThatIsNotThere_IsRefused()
    {
        var fault = Assert.Throws<ArgumentException>(() => DeepseekServer.Create(options => options.ModelPath = "no/such"));

        Assert.StartsWith("DeepseekOptions: ModelPath is no/such; there is no such folder.", fault.Message, StringComparison.Ordinal);
    }
}
