using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Offload;

public sealed class RoutingTraceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("routing.bin");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(256, 1)]
    [InlineData(257, 2)]
    public void Read_WhatWasWritten_IsTheSame(int experts, int width)
    {
        int[] choices = [0, experts - 1, 7, 3, 5, 4, 1, 2]; // 2 tokens, 2 layers, 2 experts

        new RoutingTrace(2, experts, 2, choices).Write(Path);
        var trace = RoutingTrace.Read(Path);

        Assert.Equal((2, experts, 2, 2), (trace.Layers, trace.ExpertsPerLayer, trace.Chosen, trace.Tokens));
        Assert.Equal(choices, from token in Enumerable.Range(0, 2) from layer in Enumerable.Range(0, 2) from expert in trace.Experts(token, layer).ToArray() select (int)expert);
        Assert.Equal(32 + (2 * ((4 * width) + 4)), new FileInfo(Path).Length);
    }

    [Fact]
    public void Read_HandWorkedFile_IsUnderstood()
    {
        new RoutingTrace(1, 4, 2, [3, 1]).Write(Path);

        // docs/paging.md: magic, version, layers, experts, chosen, checksum; then the token and its checksum.
        Assert.Equal("4453524F5554455301000000010000000400000002000000", Convert.ToHexString(File.ReadAllBytes(Path)[..24]));
        Assert.Equal("0301", Convert.ToHexString(File.ReadAllBytes(Path)[32..34]));
    }

    [Fact]
    public void Read_ManyTokens_OutlastTheWritersBuffer()
    {
        var trace = SyntheticTrace.Create(new SyntheticTraceOptions { Layers = 3, ExpertsPerLayer = 64, Chosen = 6, Tokens = 3000 });

        trace.Write(Path);
        var read = RoutingTrace.Read(Path);

        Assert.Equal(3000, read.Tokens);
        for (var token = 0; token < 3000; token++)
        {
            for (var layer = 0; layer < 3; layer++)
                Assert.True(trace.Experts(token, layer).SequenceEqual(read.Experts(token, layer)));
        }
    }

    [Fact]
    public void Read_AnyByteChanged_IsRefused()
    {
        new RoutingTrace(2, 256, 2, [0, 255, 7, 3, 5, 4, 1, 2]).Write(Path);
        var bytes = File.ReadAllBytes(Path);
        for (var i = 0; i < bytes.Length; i++)
        {
            byte[] damaged = [.. bytes];
            damaged[i] ^= 0x04;
            File.WriteAllBytes(Path, damaged);

            var fault = Assert.Throws<CheckpointFormatException>(() => RoutingTrace.Read(Path));
            Assert.Equal(Path, fault.File);
        }
    }

    [Fact]
    public void Read_TokenOutOfItsPlace_IsRefused()
    {
        new RoutingTrace(1, 4, 1, [0, 0]).Write(Path);
        var bytes = File.ReadAllBytes(Path);
        File.WriteAllBytes(Path, [.. bytes[..32], .. bytes[37..42], .. bytes[32..37]]);

        Assert.Equal("token 0", Assert.Throws<CheckpointFormatException>(() => RoutingTrace.Read(Path)).Subject);
    }

    [Fact]
    public void Read_CutShort_NamesWhatIsThere()
    {
        new RoutingTrace(1, 4, 1, [0, 0]).Write(Path);
        File.WriteAllBytes(Path, File.ReadAllBytes(Path)[..40]);

        var fault = Assert.Throws<CheckpointFormatException>(() => RoutingTrace.Read(Path));

        Assert.Equal($"{Path}: it has 40 bytes; it must have 32 and a multiple of 5: 1 whole tokens and 3 bytes were found. It was cut short; record it again.", fault.Message);
    }

    [Theory]
    [InlineData("", "header: it begins with \"\"; it must begin with \"DSROUTES\". It is no routing trace.")]
    [InlineData("DSROUTED and more", "header: it begins with \"DSROUTED\"; it must begin with \"DSROUTES\". It is no routing trace.")]
    [InlineData("DSROUTES", "header: it has 8 bytes; it must have 32. It was cut short; record it again.")]
    [InlineData("DSROUTES\u0002\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "header: its version is 2; it must be 1, which this library reads.")]
    public void Read_SomethingElse_IsNamed(string content, string message)
    {
        File.WriteAllText(Path, content);

        Assert.Equal($"{Path}: {message}", Assert.Throws<CheckpointFormatException>(() => RoutingTrace.Read(Path)).Message);
    }

    [Fact]
    public void Read_NoFile_IsNamed()
    {
        Assert.Equal($"There is no file {Path}; check the path.", Assert.Throws<FileNotFoundException>(() => RoutingTrace.Read(Path)).Message);
    }

    [Fact]
    public void Constructor_WrongNumbers_AreAllNamed()
    {
        var fault = Assert.Throws<ArgumentException>(() => new RoutingTrace(0, 4, 5, []));

        Assert.Equal("RoutingTrace: layers is 0; it must be 1 to 4096. chosen is 5; it must be 1 to 4, the experts of a layer.", fault.Message);
    }

    [Theory]
    [InlineData(new[] { 0, 1, 2 }, "The number of experts is 3; it must be a multiple of 4, layers × chosen.")]
    [InlineData(new[] { 0, 1, 2, 4 }, "Token 0: an expert of layer 1 is 4; it must be 0 to 3.")]
    [InlineData(new[] { 0, 1, 2, 3, 0, 1, 2, -1 }, "Token 1: an expert of layer 1 is -1; it must be 0 to 3.")]
    [InlineData(new[] { 1, 1, 2, 3 }, "Token 0: expert 1 of layer 0 is there twice; a token's experts of a layer must be distinct.")]
    public void Constructor_WrongExperts_AreNamed(int[] experts, string message)
    {
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => new RoutingTrace(2, 4, 2, experts)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(1, 0)]
    [InlineData(0, -1)]
    [InlineData(0, 1)]
    public void Experts_OutOfRange_Throws(int token, int layer)
    {
        var trace = new RoutingTrace(1, 4, 1, [0]);

        Assert.Throws<ArgumentOutOfRangeException>(() => trace.Experts(token, layer).Length);
    }
}
