using Deepseek.Cli.Terminal;
using Deepseek.Cli.Terminal.Editing;

namespace Deepseek.Cli.Tests.Terminal;

public sealed class QuestionReaderTests
{
    public static TheoryData<string, string> Inputs => new()
    {
        { "one", "one" },
        { "  one  ", "one" },
        { "one\\\ntwo", "one\ntwo" },
        { "one\\\n two \\\n\nthree", "one\n two" },
        { "one\\", "one" }, // and the end of input
        { "\"\"\"one\ntwo\"\"\"", "one\ntwo" },
        { "  \"\"\"\n one\\\n\ntwo\n\"\"\"  ", " one\\\n\ntwo" },
        { "\"\"\"one\"\"\"", "one" },
        { "\"\"\"one\ntwo", "one\ntwo" }, // the end of input closes it
        { "say \"\"\" aloud", "say \"\"\" aloud" },
    };

    [Theory, MemberData(nameof(Inputs))]
    public async Task ReadAsync_Lines_AreJoined(string input, string expected)
    {
        var (reader, _) = Reader(input);

        Assert.Equal(expected, (await reader.ReadAsync(TestContext.Current.CancellationToken))!.Text);
    }

    [Fact]
    public async Task ReadAsync_SeveralQuestions_EndWithInput()
    {
        var (reader, error) = Reader("a\\\nb\n\"\"\"\n/help\n\"\"\"\n/help\n");

        Entry?[] entries = [await Read(), await Read(), await Read(), await Read()];

        Assert.Equal([new Entry("a\nb", true), new Entry("/help", false), new Entry("/help", true), null], entries); // a block is never a command
        Assert.Equal("> . > . . > > \n", error.ToString());

        Task<Entry?> Read() => reader.ReadAsync(TestContext.Current.CancellationToken);
    }

    private static (QuestionReader Reader, StringWriter Error) Reader(string input)
    {
        StringWriter error = new() { NewLine = "\n" };
        return (new QuestionReader(new PlainLines(new ToolConsole(new StringReader(input), TextWriter.Null, error))), error);
    }
}
