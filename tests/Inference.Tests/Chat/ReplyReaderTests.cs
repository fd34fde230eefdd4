using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat;

public sealed class ReplyReaderTests(Nano nano)
{
    private const int EndToken = 1;

    private DeepseekTokenizer Tokenizer => nano.Generator.Tokenizer!;

    [Fact]
    public void Read_CharactersCutByTokens_HandsOutWholeOnes()
    {
        const string Text = "é 漢字 😀!";
        var ids = Tokenizer.Encode(Text);
        Assert.True(ids.Count > Text.Length, "The text must be cut within characters.");

        var updates = Read(new TextPrompt([0]), [], [.. ids, EndToken]);

        Assert.Equal(Text, Replies.Text(updates));
        Assert.All(updates, update => Assert.DoesNotContain('\uFFFD', update.Text));
        Assert.Equal(Text, updates[^1].Completion!.Text);
        Assert.Equal([.. ids, EndToken], updates[^1].Completion!.Ids);
    }

    [Fact]
    public void Read_EndsWithinACharacter_ShowsAReplacement()
    {
        var ids = Tokenizer.Encode("a😀");

        var updates = Read(new TextPrompt([0]), [], [.. ids.Take(ids.Count - 1)], FinishReason.Length);

        Assert.Equal("a\uFFFD", updates[^1].Completion!.Text);
        Assert.Equal(FinishReason.Length, updates[^1].Completion!.FinishReason);
    }

    [Fact]
    public void Read_StopStringAcrossTokens_IsHeldBackUntilItIsComplete()
    {
        int[] ids = [.. "one STOP two"u8.ToArray().Select(b => Tokenizer.Encode(((char)b).ToString())[0])];

        var updates = Read(new TextPrompt([0]), ["STOP"], ids, FinishReason.Stop, stopAfter: 8);

        Assert.Equal(["o", "n", "e", " ", "", "", "", ""], updates.Select(update => update.Text));
        Assert.Equal("one ", updates[^1].Completion!.Text);
        Assert.Equal(8, updates[^1].Completion!.Usage.Completion);
    }

    [Fact]
    public void Read_BeginningOfAStopStringAtTheEnd_IsText()
    {
        int[] ids = [.. "one ST"u8.ToArray().Select(b => Tokenizer.Encode(((char)b).ToString())[0]), EndToken];

        var updates = Read(new TextPrompt([0]), ["STOP"], ids);

        Assert.Equal(["o", "n", "e", " ", "", "", "ST"], updates.Select(update => update.Text));
    }

    [Theory]
    [InlineData(true, true, "I think", "so\n")]
    [InlineData(true, false, null, "I think</think>\n\nso\n")]
    [InlineData(false, false, null, "I think</think>\n\nso\n")]
    public void Read_Reasoning_IsPartedWhereThePromptSaysSo(bool split, bool startsInReasoning, string? reasoning, string text)
    {
        int[] ids = [.. Tokenizer.Encode("I think</think>\n\nso\n"), EndToken];

        var updates = Read(new TextPrompt([0], split, startsInReasoning), [], ids);

        Assert.Equal((reasoning, text), (updates[^1].Completion!.Reasoning, updates[^1].Completion!.Text));
        Assert.Equal((reasoning ?? "", text), (Replies.Reasoning(updates), Replies.Text(updates)));
    }

    [Fact]
    public void Read_TokenBeyondTheTokenizer_HasNoText()
    {
        var updates = Read(new TextPrompt([0]), [], [Tokenizer.VocabularySize + 5, .. Tokenizer.Encode("a"), EndToken]);

        Assert.Equal("a", updates[^1].Completion!.Text);
    }

    [Fact]
    public void Read_AnotherRuleStopsAfterAToken_TheTokenIsText()
    {
        var reader = Reader(new TextPrompt([0]), []);
        var ids = Tokenizer.Encode("ab");
        reader.Accept(ids[0]);
        reader.Read(Result(ids[0]));

        // The other rule came first: the reader is not asked about the last token.
        var update = reader.Read(Result(ids[^1]) with { FinishReason = FinishReason.Stop });

        Assert.Equal(Tokenizer.Decode([ids[0], ids[^1]]), update.Completion!.Text);
    }

    [Fact]
    public void Read_AnotherRuleStopsBeforeAToken_TheTokenIsNot()
    {
        var reader = Reader(new TextPrompt([0]), []);
        var id = Tokenizer.Encode("a")[0];
        reader.Accept(id);
        reader.Read(Result(id));

        var update = reader.Read(Result(Tokenizer.Encode("b")[0]) with { FinishReason = FinishReason.Stop, IsEnd = true });

        Assert.Equal("a", update.Completion!.Text);
        Assert.Equal(2, update.Completion.Ids.Count);
    }

    [Fact]
    public void Read_Counts_AreThoseOfPromptAndReply()
    {
        var reader = new ReplyReader(new TextPrompt([0, 5, 6]), seed: 99, Tokenizer, []) { Cached = 2 };
        var id = Tokenizer.Encode("a")[0];
        reader.Accept(id);
        reader.Read(Result(id) with { Elapsed = TimeSpan.FromSeconds(3) });
        reader.Accept(id);

        var completion = reader.Read(Result(id) with { Elapsed = TimeSpan.FromSeconds(0.5), FinishReason = FinishReason.Length }).Completion!;

        Assert.Equal(new TokenUsage(3, 2, 2), completion.Usage);
        Assert.Equal(5, completion.Usage.Total);
        Assert.Equal(new TextTimings(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(0.5), 1), completion.Timings);
        Assert.Equal((2.0, 99L), (completion.Timings.TokensPerSecond, completion.Seed));
        Assert.Equal(0, new TextTimings(TimeSpan.FromSeconds(3), TimeSpan.Zero, 0).TokensPerSecond);
    }

    private ReplyReader Reader(TextPrompt prompt, string[] stops) => new(prompt, 0, Tokenizer, stops);

    /// <summary>Feeds tokens as the generator does; the last one ends the text.</summary>
    private List<TextUpdate> Read(TextPrompt prompt, string[] stops, int[] ids, FinishReason reason = FinishReason.Stop, int stopAfter = int.MaxValue)
    {
        var reader = Reader(prompt, stops);
        List<TextUpdate> updates = [];
        for (var i = 0; i < ids.Length; i++)
        {
            var isEnd = ids[i] == EndToken;
            var stopped = !isEnd && reader.Begin().Accept(ids[i]) == StopDecision.StopAfter;
            Assert.Equal(i + 1 == stopAfter, stopped);
            var last = stopped || i == ids.Length - 1;
            updates.Add(reader.Read(Result(ids[i]) with { IsEnd = isEnd, FinishReason = last ? reason : null }));
            Assert.Equal(last, updates[^1].Completion is not null);
            if (last)
                break;
        }

        return updates;
    }

    private static TokenResult Result(int id) => new(id, 0, [], TimeSpan.FromMilliseconds(1), false, null);
}
