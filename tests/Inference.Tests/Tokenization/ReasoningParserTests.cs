using FsCheck;
using FsCheck.Fluent;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class ReasoningParserTests
{
    [Theory]
    [InlineData("hmm\n</think>\n\n4", true, "hmm", "4")]
    [InlineData("\nhmm\n\n</think>4", true, "hmm\n", "4")]
    [InlineData("<think>\nhmm\n</think>\n\n4", false, "hmm", "4")]
    [InlineData("<think>\nhmm\n</think>\n\n4", true, "hmm", "4")]
    [InlineData(" \n<think>hmm</think>4", false, "hmm", "4")]
    [InlineData("4", false, null, "4")]
    [InlineData("\n\n4\n", false, null, "4\n")]
    [InlineData("  4", false, null, "  4")]
    [InlineData("  ", false, null, "  ")]
    [InlineData("", false, null, "")]
    [InlineData("", true, "", "")]
    [InlineData("\n", true, "", "")]
    [InlineData("<think>\n\n</think>\n\n4", false, "", "4")]
    [InlineData("<think>\n</think>", false, "", "")]
    [InlineData("</think>4", true, "", "4")]
    [InlineData("</think>4", false, null, "</think>4")]
    [InlineData("a <think>b</think> c", false, null, "a <think>b</think> c")]
    [InlineData("a</think>b</think><think>c", true, "a", "b</think><think>c")]
    [InlineData("a <think> b</think>c", true, "a <think> b", "c")]
    [InlineData("never closed", true, "never closed", "")]
    [InlineData("never closed\n", true, "never closed", "")]
    [InlineData("a\n</thi", true, "a\n</thi", "")]
    [InlineData("<thi", false, null, "<thi")]
    [InlineData("<thi", true, "<thi", "")]
    [InlineData(" <think", true, " <think", "")]
    [InlineData("\n x</think>y", true, " x", "y")]
    [InlineData("a</</think>b", true, "a</", "b")]
    [InlineData("<think><think>a</think>b", false, "<think>a", "b")]
    public void Split_Reply_SeparatesReasoningFromAnswer(string text, bool startsInReasoning, string? reasoning, string answer) =>
        Assert.Equal((reasoning, answer), ReasoningParser.Split(text, startsInReasoning));

    [Fact]
    public void Append_AnyChunking_GivesTheSamePartsAsTheWhole()
    {
        // Pieces of tags, newlines and letters, so that every border case comes up.
        var piece = Gen.Elements("<think>", "</think>", "<", "/", "think>", "<th", "</", "</think", "\n", "\n\n", " ", "a", "é😀", ">");
        var chunked = Gen.Sized(size => piece.ListOf(Math.Min(size, 12)))
            .SelectMany(pieces => Gen.Choose(1, 5).ListOf(40).Select(cuts => (Text: string.Concat(pieces), Cuts: cuts.ToArray())))
            .SelectMany(reply => Gen.Elements(false, true).Select(starts => (reply.Text, reply.Cuts, Starts: starts)));

        Prop.ForAll(chunked.ToArbitrary(), reply => Joined(Stream(Chunks(reply.Text, reply.Cuts), reply.Starts)) == Whole(reply.Text, reply.Starts))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(3000).WithReplay(20250120, 1));
    }

    [Fact]
    public void Append_EveryCutOfAReply_GivesTheSamePartsAsTheWhole()
    {
        const string reply = "\n<think>\nhm <b>\n</thin\n</think>\n\n4 </think>\n";

        for (var first = 0; first <= reply.Length; first++)
        {
            for (var second = first; second <= reply.Length; second++)
                Assert.Equal(("hm <b>\n</thin", "4 </think>\n"), Joined(Stream([reply[..first], reply[first..second], reply[second..]], startsInReasoning: false)));
        }
    }

    [Fact]
    public void Append_CertainText_ComesAtOnce()
    {
        var parser = new ReasoningParser(startsInReasoning: true);

        Assert.Equal([Reasoning("Let me")], parser.Append("Let me"));
        Assert.Equal([Reasoning(" see <")], parser.Append(" see <</th"));
        Assert.Equal([Reasoning("</the rest")], parser.Append("e rest\n"));
        Assert.Equal([Reasoning("\nmore")], parser.Append("more\n</think"));
        Assert.Equal([Answer("4")], parser.Append(">\n\n4"));
        Assert.Equal([Answer("<think>\n")], parser.Append("<think>\n"));
        Assert.Empty(parser.Flush());
    }

    [Fact]
    public void Append_WithoutReasoning_HoldsBackOnlyWhatMayOpenIt()
    {
        var parser = new ReasoningParser(startsInReasoning: false);

        Assert.Empty(parser.Append(" "));
        Assert.Empty(parser.Append("<thi"));
        Assert.Equal([Answer(" <this")], parser.Append("s"));
        Assert.Equal([Answer("</think>")], parser.Append("</think>"));
    }

    [Fact]
    public void Append_OneDeltaWithBoth_GivesBothInOrder() =>
        Assert.Equal([Reasoning("a"), Answer("b")], new ReasoningParser(startsInReasoning: true).Append("a</think>b"));

    [Fact]
    public void Flush_HeldText_ComesOut()
    {
        var parser = new ReasoningParser(startsInReasoning: true);
        parser.Append("a\n</thi");

        Assert.Equal([Reasoning("\n</thi")], parser.Flush());
        Assert.Empty(parser.Flush());
    }

    [Fact]
    public void Append_AfterFlush_Throws()
    {
        var parser = new ReasoningParser(startsInReasoning: true);
        parser.Flush();

        var fault = Assert.Throws<InvalidOperationException>(() => parser.Append("a"));

        Assert.Equal("The reply is over since Flush was called; a new reply needs a new ReasoningParser.", fault.Message);
    }

    [Fact]
    public void Members_Null_Throw()
    {
        Assert.Throws<ArgumentNullException>(() => new ReasoningParser(true).Append(null!));
        Assert.Throws<ArgumentNullException>(() => ReasoningParser.Split(null!, true));
        Assert.Throws<ArgumentNullException>(() => ReasoningParser.EndsInReasoning(null!));
    }

    [Theory]
    [InlineData("<｜User｜>hi<｜Assistant｜><think>\n", true)]
    [InlineData("<｜User｜>hi<｜Assistant｜><think>", true)]
    [InlineData("<｜User｜>hi<｜Assistant｜>", false)]
    [InlineData("<｜User｜>hi<｜Assistant｜><think>\n</think>", false)]
    [InlineData("<｜User｜>hi<｜Assistant｜></think>", false)]
    [InlineData("<｜User｜>what is <think>?<｜Assistant｜>", false)]
    [InlineData("<｜Assistant｜><think>a</think>b<｜User｜>hi<｜Assistant｜><think>\nOkay, so", true)]
    [InlineData("<｜Assistant｜><think>a</think>call<result>1</result>\n\n<think>", true)]
    [InlineData("<|im_start|>assistant\n<think>\n", true)]
    [InlineData("<|im_start|>user\nwhat is <think>?<|im_start|>assistant\n", false)]
    [InlineData("", false)]
    public void EndsInReasoning_Prompt_TellsWhetherTheReplyContinuesIt(string prompt, bool expected) =>
        Assert.Equal(expected, ReasoningParser.EndsInReasoning(prompt));

    [Fact]
    public void EndsInReasoning_NanoPrompts_TellTheGenerationPromptApart()
    {
        foreach (var item in ChatTemplateFixtures.Nano().Cases)
            Assert.Equal(item.GetProperty("add_generation_prompt").GetBoolean(), ReasoningParser.EndsInReasoning(item.GetProperty("rendered").GetString()!));
    }

    private static ReasoningPart Reasoning(string text) => new(ReasoningPartKind.Reasoning, text);

    private static ReasoningPart Answer(string text) => new(ReasoningPartKind.Answer, text);

    private static List<ReasoningPart> Stream(IEnumerable<string> chunks, bool startsInReasoning)
    {
        var parser = new ReasoningParser(startsInReasoning);
        List<ReasoningPart> parts = [.. chunks.SelectMany(parser.Append)];
        parts.AddRange(parser.Flush());

        Assert.DoesNotContain(parts, part => part.Text.Length == 0);
        var firstAnswer = parts.FindIndex(part => part.Kind == ReasoningPartKind.Answer);
        Assert.True(firstAnswer < 0 || parts.FindLastIndex(part => part.Kind == ReasoningPartKind.Reasoning) < firstAnswer);
        return parts;
    }

    private static (string Reasoning, string Answer) Joined(List<ReasoningPart> parts) => (
        string.Concat(parts.Where(part => part.Kind == ReasoningPartKind.Reasoning).Select(part => part.Text)),
        string.Concat(parts.Where(part => part.Kind == ReasoningPartKind.Answer).Select(part => part.Text)));

    private static (string Reasoning, string Answer) Whole(string text, bool startsInReasoning)
    {
        var (reasoning, answer) = ReasoningParser.Split(text, startsInReasoning);
        return (reasoning ?? "", answer);
    }

    private static IEnumerable<string> Chunks(string text, int[] lengths)
    {
        for (var (start, i) = (0, 0); start < text.Length; i++)
        {
            var length = Math.Min(lengths[i % lengths.Length], text.Length - start);
            yield return text.Substring(start, length);
            start += length;
        }
    }
}
