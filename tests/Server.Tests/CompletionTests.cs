using System.Net;
using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Server.Tests;

public sealed class CompletionTests(ServerFixture fixture)
{
    private const string Greedy = "\"temperature\": 0";

    public static TheoryData<string, string, string> Parameters => new()
    {
        { "\"n\": 1", "prompt", "prompt is missing; it must be a string, an array of strings, an array of token ids, or an array of such arrays." },
        { "\"prompt\": {}", "prompt", "prompt is an object; it must be a string, an array of strings, an array of token ids, or an array of such arrays." },
        { "\"prompt\": []", "prompt", "prompt is an array of 0; it must be a string, an array of strings, an array of token ids, or an array of such arrays." },
        { "\"prompt\": [\"a\", 5]", "prompt[1]", "prompt[1] is 5; it must be a string or an array of token ids." },
        { "\"prompt\": [5, -1]", "prompt[1]", "prompt[1] is -1; it must be a token id, a whole number of 0 or more." },
        { "\"prompt\": [[5, \"a\"]]", "prompt[0][1]", "prompt[0][1] is 'a'; it must be a token id, a whole number of 0 or more." },
        { "\"prompt\": [5, 4000]", "prompt", "The prompt holds the token 4000; ids must be 0 to 2047." },
        { "\"prompt\": [[5], []]", "prompt[1]", "The prompt has no tokens; it needs at least one." },
        { "\"prompt\": \"a\", \"suffix\": \"b\"", "suffix", "suffix is given; the model continues texts and fills no gaps. Leave it out." },
        { "\"prompt\": \"a\", \"best_of\": 3", "best_of", "best_of is 3 and n 1; all replies are returned here, so it must be equal to n. Leave it out." },
        { "\"prompt\": \"a\", \"logprobs\": 6", "logprobs", "logprobs is 6; it must be a whole number, 0 to 5." },
        { "\"prompt\": \"a\", \"logprobs\": 1, \"echo\": true", "echo", "echo and logprobs are given together; the tokens of a prompt have no probabilities here. Leave one of them out." },
        { "\"prompt\": \"a\", \"max_tokens\": 0", "max_tokens", "max_tokens is 0; it must be a whole number, 1 or more." },
    };

    [Theory, MemberData(nameof(Parameters))]
    public async Task Complete_ParameterAtFault_IsRefusedByName(string members, string param, string message)
    {
        using var response = await fixture.Server.PostAsync("/v1/completions", $$"""{"model": "deepseek-nano", {{members}}}""");

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, message, param);
    }

    [Fact]
    public async Task Complete_TooManyPrompts_AreRefused()
    {
        var prompts = string.Join(", ", Enumerable.Repeat("\"a\"", 65));

        using var response = await fixture.Server.PostAsync("/v1/completions", $$"""{"model": "deepseek-nano", "prompt": [{{prompts}}]}""");

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, "prompt is an array of 65; it must be at most 64 prompts. Send the others in another request.", "prompt");
    }

    [Fact]
    public async Task Complete_PromptBeyondTheContext_IsRefused()
    {
        using var response = await fixture.Server.PostAsync("/v1/completions", $$"""{"model": "deepseek-nano", "prompt": [{{string.Join(',', Enumerable.Repeat(5, 2049))}}], "max_tokens": 1}""");

        await response.RequireFaultAsync(
            HttpStatusCode.BadRequest, "The prompt has 2049 tokens, and 1 new ones are asked for; the model's context holds 2048. Shorten the prompt, or ask for fewer.", "prompt", "context_length_exceeded");
    }

    [Fact]
    public async Task Complete_Text_GoesOnForSixteenTokensAsTheGeneratorDoes()
    {
        var generator = (await fixture.Server.ServiceAsync()).Generator;
        var alone = await generator.CompleteAsync(generator.Raw("It was"), Options(16));

        var reply = await fixture.Server.CompleteAsync($"\"prompt\": \"It was\", {Greedy}");

        Assert.StartsWith("cmpl-", reply.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal("text_completion", reply.GetProperty("object").GetString());
        var choice = reply.GetProperty("choices").EnumerateArray().Single();
        Assert.Equal(alone.Text, choice.GetProperty("text").GetString());
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("logprobs").ValueKind);
        Assert.Equal(16, reply.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(generator.Raw("It was").Ids.Count, reply.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Complete_TextAndItsTokens_AreContinuedAlike()
    {
        var ids = (await fixture.Server.ServiceAsync()).Generator.Raw("It was").Ids;

        var text = await fixture.Server.CompleteAsync($"\"prompt\": \"It was\", {Greedy}");
        var tokens = await fixture.Server.CompleteAsync($"\"prompt\": [{string.Join(',', ids)}], {Greedy}");

        Assert.Equal(Texts(text), Texts(tokens));
    }

    [Theory]
    [InlineData("[\"It was\", \"What is\"]")]
    [InlineData("[[5, 6], [7, 8, 9]]")]
    public async Task Complete_SeveralPrompts_HaveTheirRepliesInOrder(string prompts)
    {
        var each = JsonElement.Parse(prompts).EnumerateArray().Select(prompt => prompt.GetRawText()).ToList();

        var together = await fixture.Server.CompleteAsync($"\"prompt\": {prompts}, \"temperature\": 2, \"seed\": 3, \"n\": 2, \"max_tokens\": 8");

        List<string> apart = [];
        foreach (var prompt in each)
            apart.AddRange(Texts(await fixture.Server.CompleteAsync($"\"prompt\": {prompt}, \"temperature\": 2, \"seed\": 3, \"n\": 2, \"max_tokens\": 8")));
        Assert.Equal(apart, Texts(together));
        Assert.Equal([0, 1, 2, 3], together.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()));
    }

    [Fact]
    public async Task Complete_Echo_BeginsWithThePrompt()
    {
        var ids = (await fixture.Server.ServiceAsync()).Generator.Tokenizer!.Encode("It was");
        var plain = Texts(await fixture.Server.CompleteAsync($"\"prompt\": \"It was\", {Greedy}")).Single();

        var text = Texts(await fixture.Server.CompleteAsync($"\"prompt\": \"It was\", {Greedy}, \"echo\": true")).Single();
        var tokens = Texts(await fixture.Server.CompleteAsync($"\"prompt\": [{string.Join(',', ids)}], {Greedy}, \"echo\": true, \"max_tokens\": 1")).Single();

        Assert.Equal("It was" + plain, text);
        Assert.StartsWith("It was", tokens, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Complete_LogProbabilities_StandSideBySide()
    {
        var generator = (await fixture.Server.ServiceAsync()).Generator;
        List<TokenResult> alone = [];
        await foreach (var update in generator.StreamAsync(generator.Raw("It was"), Options(6, alternatives: 2)))
            alone.Add(update.Token);

        var reply = await fixture.Server.CompleteAsync($"\"prompt\": \"It was\", {Greedy}, \"max_tokens\": 6, \"logprobs\": 2");

        var lists = reply.GetProperty("choices")[0].GetProperty("logprobs");
        Assert.Equal(alone.Select(token => token.LogProbability), lists.GetProperty("token_logprobs").EnumerateArray().Select(value => value.GetDouble()));
        Assert.All(lists.GetProperty("top_logprobs").EnumerateArray(), map => Assert.InRange(map.EnumerateObject().Count(), 1, 2));
        var tokens = lists.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!).ToList();
        Assert.Equal(Texts(reply).Single(), string.Concat(tokens));
        Assert.Equal(tokens.Select((_, i) => tokens.Take(i).Sum(token => token.Length)), lists.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32()));
    }

    [Fact]
    public async Task Complete_LogProbabilitiesWithoutAlternatives_ListNone()
    {
        var reply = await fixture.Server.CompleteAsync($"\"prompt\": \"It was\", {Greedy}, \"max_tokens\": 3, \"logprobs\": 0");

        var lists = reply.GetProperty("choices")[0].GetProperty("logprobs");
        Assert.Equal(3, lists.GetProperty("token_logprobs").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, lists.GetProperty("top_logprobs").ValueKind);
    }

    [Fact]
    public async Task Stream_Chunks_JoinToTheWholeReply()
    {
        const string Members = "\"prompt\": [\"It was\", \"What is\"], \"temperature\": 0, \"logprobs\": 1, \"echo\": false";
        var whole = await fixture.Server.CompleteAsync(Members);

        var chunks = await fixture.Server.StreamAsync("/v1/completions", $$$"""{"model": "deepseek-nano", {{{Members}}}, "stream": true, "stream_options": {"include_usage": true}}""");

        for (var i = 0; i < 2; i++)
        {
            var choices = chunks.SkipLast(1).Select(chunk => chunk.GetProperty("choices")[0]).Where(choice => choice.GetProperty("index").GetInt32() == i).ToList();
            Assert.Equal(Texts(whole)[i], string.Concat(choices.Select(choice => choice.GetProperty("text").GetString())));
            Assert.Equal(whole.GetProperty("choices")[i].GetProperty("finish_reason").GetString(), choices[^1].GetProperty("finish_reason").GetString());
            foreach (var list in (string[])["token_logprobs", "text_offset"])
            {
                Assert.Equal(
                    whole.GetProperty("choices")[i].GetProperty("logprobs").GetProperty(list).EnumerateArray().Select(value => value.GetDouble()),
                    choices.SelectMany(choice => choice.GetProperty("logprobs").GetProperty(list).EnumerateArray().Select(value => value.GetDouble())));
            }
        }

        Assert.Equal(whole.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Stream_Echo_SendsThePromptFirst()
    {
        var chunks = await fixture.Server.StreamAsync("/v1/completions", """{"model": "deepseek-nano", "prompt": "It was", "temperature": 0, "echo": true, "stream": true}""");

        Assert.StartsWith("It was", chunks[0].GetProperty("choices")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Single(chunks, chunk => chunk.GetProperty("choices")[0].GetProperty("text").GetString()!.Contains("It was", StringComparison.Ordinal));
    }

    private static TextOptions Options(int tokens, int alternatives = 0) => new()
    {
        Generation = new GenerationOptions { MaxNewTokens = tokens, Alternatives = alternatives, Sampling = new SamplingOptions { Temperature = 0 } },
    };

    private static List<string> Texts(JsonElement reply) => [.. reply.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()!)];
}
