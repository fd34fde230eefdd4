using Deepseek.Inference.Tests.Sampling;
using Deepseek.Inference.Tokenization;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class ToolCallParserTests
{
    private const string Weather = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{\"city\": \"Paris\"}\n```<｜tool▁call▁end｜>";
    private const string Time = "<｜tool▁call▁begin｜>time<｜tool▁sep｜>{\"zone\": [1, \"é\"]}<｜tool▁call▁end｜>";
    private const string Begin = "<｜tool▁calls▁begin｜>";
    private const string End = "<｜tool▁calls▁end｜>";
    private const string Markup = "\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"s\" string=\"true\">a \"b\"\n</c></｜DSML｜parameter>\n<｜DSML｜parameter name=\"n\" string=\"false\">[1, {\"k\": null}]</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>";

    private static readonly ToolCall InParis = new("weather", "{\"city\": \"Paris\"}");
    private static readonly ToolCall InZone = new("time", "{\"zone\": [1, \"é\"]}");

    /// <summary>Replies, what of them is text, and how many calls they make; "V" as the template means V3's form and "M" the markup.</summary>
    public static TheoryData<string, string, string, int> Replies => new()
    {
        { "V", "Just text.", "Just text.", 0 },
        { "V", "", "", 0 },
        { "V", Begin + Weather + End, "", 1 },
        { "V", "Let me see.\n" + Begin + Weather + "\n" + Time + " \n" + End + "\nDone.", "Let me see.\n\nDone.", 2 },
        { "V", Begin + Weather + End + Begin + Time + End, "", 2 },
        { "V", Begin + Weather + "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁begin｜>", 1 }, // V3's template forgets the end after a single call
        { "V", Begin + Weather + "\n", "", 1 },
        { "V", Begin + Weather + "\n<｜tool▁ca", "<｜tool▁ca", 1 },
        { "V", "a" + Begin, "a" + Begin, 0 },
        { "V", Begin + Weather[..^3], Begin + Weather[..^3], 0 },
        { "V", Begin + "\n" + Weather[..20], Begin + "\n" + Weather[..20], 0 },
        { "V", Begin + "hello", Begin + "hello", 0 },
        { "V", Begin + End, Begin + End, 0 },
        { "V", Begin + " \n" + End + "x", Begin + " \n" + End + "x", 0 },
        { "V", Begin + "<｜tool▁call▁begin｜>f<｜tool▁sep｜>[1]<｜tool▁call▁end｜>" + End, Begin + "<｜tool▁call▁begin｜>f<｜tool▁sep｜>[1]<｜tool▁call▁end｜>" + End, 0 },
        { "V", Begin + "<｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": }<｜tool▁call▁end｜>" + Weather + End, Begin + "<｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": }<｜tool▁call▁end｜>", 1 },
        { "V", Begin + "<｜tool▁call▁begin｜>{}<｜tool▁call▁end｜>" + End, Begin + "<｜tool▁call▁begin｜>{}<｜tool▁call▁end｜>" + End, 0 },
        { "V", Begin + "<｜tool▁call▁begin｜><｜tool▁sep｜>{}<｜tool▁call▁end｜>", Begin + "<｜tool▁call▁begin｜><｜tool▁sep｜>{}<｜tool▁call▁end｜>", 0 },
        { "V", "a <｜tool▁calls▁beg", "a <｜tool▁calls▁beg", 0 },
        { "M", "Yes." + Markup, "Yes.", 2 },
        { "M", "Yes.\n", "Yes.\n", 0 },
        { "M", "\n\na\n\nb", "\n\na\n\nb", 0 },
        { "M", Markup[..80], Markup[..80], 0 },
        { "M", Markup[..^60], "<｜D", 1 },
        { "M", Markup + "\nafter", "\nafter", 2 },
        { "M", "\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\nx</｜DSML｜invoke></｜DSML｜function_calls>", "\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\nx</｜DSML｜invoke></｜DSML｜function_calls>", 0 },
        { "M", "<｜DSML｜function_calls><｜DSML｜invoke name=\"f\"><｜DSML｜parameter name=\"n\" string=\"false\">x</｜DSML｜parameter></｜DSML｜invoke>", "<｜DSML｜function_calls><｜DSML｜invoke name=\"f\"><｜DSML｜parameter name=\"n\" string=\"false\">x</｜DSML｜parameter></｜DSML｜invoke>", 0 },
    };

    [Theory, MemberData(nameof(Replies))]
    public void Split_Reply_PartsTextAndCalls(string form, string reply, string text, int calls)
    {
        var found = ToolCallParser.Split(reply, Template(form));

        // Of a block that is handed out, the calls that came before are not in the text.
        Assert.Equal(text, found.Text);
        Assert.Equal(calls, found.Calls.Count);
    }

    [Theory, MemberData(nameof(Replies))]
    public void Append_AnyCuts_GiveTheSame(string form, string reply, string text, int calls)
    {
        var whole = ToolCallParser.Split(reply, Template(form));
        Assert.Equal((text, calls), (whole.Text, whole.Calls.Count));

        Rows.ForAll(Gen.Choose(0, reply.Length).ListOf(), 60, cuts =>
        {
            var parser = new ToolCallParser(Template(form));
            List<ToolCallPart> parts = [];
            var from = 0;
            foreach (var cut in cuts.Append(reply.Length).Distinct().Order())
            {
                parts.AddRange(parser.Append(reply[from..cut]));
                from = cut;
            }

            parts.AddRange(parser.Flush());
            Assert.Equal(whole.Text, string.Concat(parts.Select(part => part.Text)));
            Assert.Equal(whole.Calls, parts.Select(part => part.Call).OfType<ToolCall>());
        });
    }

    [Fact]
    public void Split_BothJsonForms_GiveNameAndArguments() => Assert.Equal([InParis, InZone], ToolCallParser.Split(Begin + Weather + Time + End).Calls);

    [Fact]
    public void Split_Markup_GivesArgumentsAsAnObject() => Assert.Equal(
        [new ToolCall("f", """{"s":"a \"b\"\n</c>","n":[1,{"k":null}]}"""), new ToolCall("g", "{}")], ToolCallParser.Split(Markup, Template("M")).Calls);

    [Fact]
    public void Split_MarkupOfTheLaterName_IsReadWithItsTemplate()
    {
        var reply = Markup.Replace("function_calls", "tool_calls", StringComparison.Ordinal);

        Assert.Equal(2, ToolCallParser.Split(reply, "'｜DSML｜' + 'tool_calls>'").Calls.Count);
        Assert.Equal(reply, ToolCallParser.Split(reply, Template("M")).Text);
    }

    [Theory]
    [InlineData("\"{\\\"city\\\": \\\"Paris\\\"}\"")]
    [InlineData("```json\n{\"city\": \"Paris\"}\n```")]
    [InlineData("```\n{\"city\": \"Paris\"}```")]
    public void Split_ArgumentsWrittenOtherwise_AreTheObject(string arguments) =>
        Assert.Equal([InParis], ToolCallParser.Split($"{Begin}<｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n{arguments}<｜tool▁call▁end｜>{End}").Calls);

    [Fact]
    public void Append_Call_IsHandedOutWhenItIsComplete()
    {
        var parser = new ToolCallParser();

        Assert.Equal([new ToolCallPart("Hm. ", null)], parser.Append("Hm. <｜tool"));
        Assert.Empty(parser.Append("▁calls▁begin｜>" + Weather[..^1]));
        Assert.Equal([new ToolCallPart("", InParis)], parser.Append(Weather[^1..]));
        Assert.Empty(parser.Append(End));
        Assert.Equal([new ToolCallPart("x", null)], parser.Append("x"));
    }

    [Fact]
    public void Append_AfterFlush_IsRefused()
    {
        var parser = new ToolCallParser();
        parser.Append("a");

        Assert.Empty(parser.Flush());
        Assert.Empty(parser.Flush());
        Assert.Equal(
            "The reply is over since Flush was called; a new reply needs a new ToolCallParser.", Assert.Throws<InvalidOperationException>(() => parser.Append("b")).Message);
    }

    [Theory]
    [InlineData(null, nameof(ToolCallForm.Typed))]
    [InlineData("{{ messages }}", nameof(ToolCallForm.Typed))]
    [InlineData("<｜tool▁sep｜> ```json", nameof(ToolCallForm.Typed))]
    [InlineData("<｜tool▁sep｜>", nameof(ToolCallForm.Named))]
    [InlineData("｜DSML｜ function_calls>", nameof(ToolCallForm.FunctionCalls))]
    [InlineData("｜DSML｜ tool_calls>", nameof(ToolCallForm.ToolCalls))]
    public void Of_Template_IsItsForm(string? template, string form) => Assert.Equal(form, ToolCallForms.Of(template).ToString());

    [Theory]
    [InlineData("v3", nameof(ToolCallForm.Typed))]
    [InlineData("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", nameof(ToolCallForm.Typed))]
    [InlineData("llama-cpp-deepseek-r1", nameof(ToolCallForm.Typed))]
    [InlineData("deepseek-ai-DeepSeek-V3.1", nameof(ToolCallForm.Named))]
    [InlineData("deepseek-ai-DeepSeek-V3.2", nameof(ToolCallForm.FunctionCalls))]
    [InlineData("deepseek-ai-DeepSeek-V4", nameof(ToolCallForm.ToolCalls))]
    public void Of_PublishedTemplate_IsItsForm(string name, string form) => Assert.Equal(form, ToolCallForms.Of(ToolTemplates.Source(name)).ToString());

    private static string? Template(string form) => form == "M" ? "'｜DSML｜' + 'function_calls>'" : null;
}
