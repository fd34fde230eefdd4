using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tests.Chat.Constraints;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Sampling;
using Deepseek.Inference.Tests.Tokenization;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat;

public sealed class TextConstraintTests(Nano nano)
{
    private const int End = 1; // nano's end token

    private static readonly TextConstraint Sum = TextConstraint.JsonSchema(ConstraintWalk.Json("""{"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}"""));

    private static readonly TextConstraint Word = TextConstraint.JsonSchema(ConstraintWalk.Json("""{"enum": ["ja", "nö"]}"""));

    private TextGenerator Generator => nano.Generator;

    private TextPrompt Asked => Generator.Chat([ChatMessage.User("Add 9975 and 8226.")]);

    [Theory]
    [InlineData("</think>\"ja\"")]
    [InlineData("a < b </thin </think>\n\n\"nö\"")]
    [InlineData("<think>\n1</think>\"ja\"")]
    [InlineData("<｜User｜>{\"x\" é</think>\n\"ja\"")]
    public void Begin_PromptWithinReasoning_ThoughtsAreFree(string reply) => Assert.True(new ConstraintWalk(Word, ConstraintWalk.Thinking).Accepts(reply));

    [Theory]
    [InlineData("\"ja\"")]
    [InlineData("1</think>\n\n\n\n\n\"ja\"")]
    [InlineData("1</think> \"ja\"")]
    [InlineData("1</think>ja")]
    [InlineData("1</think>\"ja\"\"ja\"")]
    public void Begin_PromptWithinReasoning_AnswerIsBound(string reply) => Assert.False(new ConstraintWalk(Word, ConstraintWalk.Thinking).Accepts(reply));

    [Theory]
    [InlineData("\"ja\"", true)]
    [InlineData("\n\n\"ja\"", true)]
    [InlineData("<think>\nwell</think>\n\n\"ja\"", true)]
    [InlineData("\n<think></think>\"ja\"", true)]
    [InlineData("well</think>\"ja\"", false)]
    [InlineData("<think>\"ja\"", false)]
    public void Begin_PromptThatMayThink_ReasoningIsOptional(string reply, bool accepted) =>
        Assert.Equal(accepted, new ConstraintWalk(Word, new TextPrompt([0], SplitReasoning: true)).Accepts(reply));

    [Theory]
    [InlineData("<think></think>\"ja\"")]
    [InlineData("\n\"ja\"")]
    public void Begin_PlainPrompt_HasNoReasoning(string reply) => Assert.False(new ConstraintWalk(Word).Takes(reply));

    [Fact]
    public void Begin_TagTokenByToken_EndsTheReasoningToo()
    {
        var walk = new ConstraintWalk(Word, ConstraintWalk.Thinking);

        Assert.True(walk.Takes("1</think>\"ja\"", asControl: false));
        Assert.True(walk.MayEnd);
    }

    [Fact]
    public void Begin_EndToken_ComesWhereTheFormIsCompleteAlone()
    {
        var walk = new ConstraintWalk(Word);

        Assert.True(walk.Takes("\"ja"));
        Assert.DoesNotContain(End, walk.Allowed());
        Assert.True(walk.Takes("\"ja\""));
        Assert.Equal([End], walk.Allowed());
        var thinking = new ConstraintWalk(Word, ConstraintWalk.Thinking);
        Assert.True(thinking.Takes("hm"));
        Assert.DoesNotContain(End, thinking.Allowed());
    }

    [Fact]
    public void Process_SeveralEndTokens_AllCountAndPlainOnesEndToo()
    {
        var one = Generator.Tokenizer!.TokenId("1")!.Value;
        var processor = TextConstraint.JsonSchema(ConstraintWalk.Json("""{"type": "integer"}""")).Begin(Generator.Tokenizer, new TextPrompt([0]), [End, one, 1_000_000]);

        var before = Rows.Kept(Rows.Apply(processor, new float[2048]));
        var after = Rows.Kept(Rows.Apply(processor, new float[2048], generated: [Generator.Tokenizer.TokenId("2")!.Value]));

        Assert.DoesNotContain(one, before);
        Assert.DoesNotContain(End, before);
        Assert.Contains(one, after);
        Assert.Contains(End, after);
    }

    [Fact]
    public void Process_AnyOrderOfContexts_GivesWhatTheContextAsksFor()
    {
        var tokenizer = Generator.Tokenizer!;
        var (ja, no) = (tokenizer.Encode("\"ja\"").ToArray(), tokenizer.Encode("\"nö\"").ToArray());
        var shared = Word.Begin(tokenizer, new TextPrompt([0]), [End]);

        foreach (var generated in new[] { ja, [], ja[..1], no, ja, no[..^1], ja[..^1] })
        {
            var fresh = Word.Begin(tokenizer, new TextPrompt([0]), [End]);
            Assert.Equal(Rows.Kept(Rows.Apply(fresh, new float[2048], generated: generated)), Rows.Kept(Rows.Apply(shared, new float[2048], generated: generated)));
        }
    }

    [Fact]
    public void Process_WiderRow_TokensThatAreNoneAreRemoved()
    {
        var processor = Sum.Begin(Generator.Tokenizer!, new TextPrompt([0]), [End]);

        Assert.All(Rows.Kept(Rows.Apply(processor, new float[5000])), id => Assert.True(id < Generator.Tokenizer!.VocabularySize));
    }

    [Fact]
    public void Process_RemovedTokens_StayRemovedAndOthersKeepTheirLogits()
    {
        var processor = Sum.Begin(Generator.Tokenizer!, new TextPrompt([0]), [End]);
        var row = Rows.Normal(2048, seed: 5, deviation: 3);
        var brace = Generator.Tokenizer!.TokenId("{")!.Value;

        var free = Rows.Apply(processor, row);
        row[brace] = Rows.Removed;
        var without = Rows.Apply(processor, row);

        Assert.Contains(brace, Rows.Kept(free));
        Assert.DoesNotContain(brace, Rows.Kept(without));
        Assert.All(Rows.Kept(without), id => Assert.Equal(row[id], without[id]));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Process_RowAtFault_IsLeftForTheSampler(float bad)
    {
        var row = new float[2048];
        row[7] = bad;

        Assert.Equal(row, Rows.Apply(Sum.Begin(Generator.Tokenizer!, new TextPrompt([0]), [End]), row));
    }

    [Fact]
    public void Process_TokenThatMayNotCome_LeavesNone()
    {
        var processor = Sum.Begin(Generator.Tokenizer!, new TextPrompt([0]), [End]);

        Assert.Empty(Rows.Kept(Rows.Apply(processor, new float[2048], generated: [Generator.Tokenizer!.TokenId("}")!.Value])));
    }

    [Fact]
    public void Begin_VocabularyWithAddedWords_TakesThemAsText()
    {
        var definition = TinyTokenizer.Definition();
        definition["added_tokens"] = new System.Text.Json.Nodes.JsonArray(
            TinyTokenizer.Added(256, "語", special: false), TinyTokenizer.Added(257, "<e>"), TinyTokenizer.Added(258, "｜DSML｜", special: false));
        var constraint = TextConstraint.JsonSchema(ConstraintWalk.Json("""{"const": "n語"}"""));
        var walk = new ConstraintWalk(constraint, tokenizer: TinyTokenizer.Load(definition, new() { ["eos_token"] = "<e>" }));

        Assert.True(walk.Takes("\"n語"));
        Assert.Equal([(int)'"'], walk.Allowed());
        Assert.True(walk.Takes("\"n"));
        Assert.Equal([0xE8, 256], walk.Allowed()); // its first byte, or all of it
    }

    [Fact]
    public async Task CompleteAsync_JsonObject_ThinksAndAnswersInJson()
    {
        var options = new TextOptions { Constraint = TextConstraint.JsonObject(), Generation = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 400 } };

        var free = await Generator.CompleteAsync(Asked, options with { Constraint = null });
        var bound = await Generator.CompleteAsync(Asked, options);

        Assert.Equal(free.Reasoning, bound.Reasoning);
        Assert.StartsWith("{", bound.Text, StringComparison.Ordinal);
        if (bound.FinishReason == FinishReason.Stop) // a small model may not come to an end within a string
            JsonDocument.Parse(bound.Text!).Dispose();
    }

    [Theory]
    [InlineData(0.0, 1)]
    [InlineData(1.5, 2)]
    [InlineData(1.5, 3)]
    public async Task CompleteAsync_Schema_AnswersInIt(double temperature, long seed)
    {
        var options = new TextOptions { Constraint = Sum, Generation = new() { Sampling = new() { Temperature = temperature, Seed = seed }, MaxNewTokens = 1500 } };

        var reply = await Generator.CompleteAsync(new TextPrompt(Asked.Ids), options);

        Assert.Equal(FinishReason.Stop, reply.FinishReason);
        using var json = JsonDocument.Parse(reply.Text!);
        Assert.Equal(JsonValueKind.Number, json.RootElement.GetProperty("sum").ValueKind);
    }

    [Fact]
    public async Task CompleteBatchAsync_OneConstraint_ServesAllReplies()
    {
        var options = new TextOptions { Constraint = Word, Generation = new() { Sampling = new() { Temperature = 1.5, Seed = 4 }, MaxNewTokens = 40 } };

        List<TextCompletion> replies = [];
        await foreach (var reply in Generator.CompleteBatchAsync([.. Nano.Prompts[..4].Select(ids => new TextPrompt(ids))], options))
            replies.Add(reply);

        Assert.All(replies, reply => Assert.Contains(reply.Text, new[] { "\"ja\"", "\"nö\"" }));
        Assert.Equal(4, replies.Count);
    }

    [Fact]
    public async Task CompleteAsync_BiasAgainstAllThatMayCome_IsReported()
    {
        var quote = Generator.Tokenizer!.TokenId("\"")!.Value;
        var sampling = new SamplingOptions { Temperature = 0, LogitBias = Enumerable.Range(0, 2048).Where(id => Generator.Tokenizer.TokenText(id)?.StartsWith('"') == true).ToDictionary(id => id, _ => float.NegativeInfinity) };

        await Assert.ThrowsAsync<InvalidLogitsException>(() => Generator.CompleteAsync(new TextPrompt([0, quote]), new TextOptions { Constraint = Word, Generation = new() { Sampling = sampling } }));
    }
}
