using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Offload;

public sealed class RoutingTraceWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("routing.bin");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Append_BeforeDispose_LeavesAFileOfWholeTokens()
    {
        using var writer = new RoutingTraceWriter(Path, 2, 256, 8);
        for (var i = 0; i < 5000; i++)
            writer.Append([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, i % 241 + 15]);

        var trace = RoutingTrace.Read(Path); // as after a kill

        Assert.InRange(trace.Tokens, 1, 5000);
        Assert.Equal(5000, writer.Tokens);
        writer.Flush();
        Assert.Equal(5000, RoutingTrace.Read(Path).Tokens);
    }

    [Fact]
    public void Append_WrongExperts_AreNamedAndNothingIsWritten()
    {
        using (var writer = new RoutingTraceWriter(Path, 1, 4, 2))
        {
            var number = Assert.Throws<ArgumentException>(() => writer.Append([1]));
            var range = Assert.Throws<ArgumentException>(() => writer.Append([1, 4]));
            writer.Append([1, 2]);

            Assert.StartsWith("The number of experts is 1; it must be 2, layers × chosen.", number.Message, StringComparison.Ordinal);
            Assert.StartsWith("Token 0: an expert of layer 0 is 4; it must be 0 to 3.", range.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, RoutingTrace.Read(Path).Tokens);
    }

    [Fact]
    public void Append_AfterDispose_Throws()
    {
        var writer = new RoutingTraceWriter(Path, 1, 4, 1);
        writer.Dispose();
        writer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => writer.Append([1]));
    }

    [Fact]
    public void Append_Allocates_Nothing()
    {
        using var writer = new RoutingTraceWriter(Path, 1, 4, 2);

        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100; i++)
                writer.Append([1, 2]);
        }));
    }

    [Fact]
    public void Constructor_NumberOutOfRange_LeavesNoFile()
    {
        Assert.Throws<ArgumentException>(() => new RoutingTraceWriter(Path, 1, 65537, 1));

        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void Constructor_FolderThatIsMissing_IsAnIOException()
    {
        Assert.ThrowsAny<IOException>(() => new RoutingTraceWriter(_folder.File(System.IO.Path.Combine("no", "file")), 1, 4, 1));
    }
}
