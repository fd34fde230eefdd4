using System.Text;
using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Tests;

public sealed class ChatTests(ServerFixture fixture)
{
    private const string Sum = "What is 123 + 456?";

    [Fact]
    public async Task Chat_Question_IsAnsweredInOpenAIsForm()
    {
        var reply = await fixture.Server.ChatAsync(Sum, "\"temperature\": 0");

        Assert.StartsWith("chatcmpl-", reply.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal("chat.completion", reply.GetProperty("object").GetString());
        Assert.Equal(ServerFixture.Model, reply.GetProperty("model").GetString());
        Assert.StartsWith("fp_", reply.GetProperty("system_fingerprint").GetString(), StringComparison.Ordinal);
        Assert.InRange(reply.GetProperty("created").GetInt64(), DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeSeconds(), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var choice = reply.GetProperty("choices").EnumerateArray().Single();
        Assert.Equal(0, choice.GetProperty("index").GetInt32());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("logprobs").ValueKind);
        var message = choice.GetProperty("message");
        Assert.Equal("assistant", message.GetProperty("role").GetString());
        Assert.Equal("123 + 456 = 579", message.GetProperty("content").GetString());
        Assert.NotEmpty(message.GetProperty("reasoning_content").GetString()!);
        Assert.Equal(JsonValueKind.Null, message.GetProperty("refusal").ValueKind);
    }

    [Fact]
    public async Task Chat_SeedAtATemperature_IsWhatTheGeneratorGives()
    {
        var generator = (await fixture.Server.ServiceAsync()).Generator;
        var prompt = generator.Chat([ChatMessage.User("Once upon a time")]);
        var options = new TextOptions { Generation = new GenerationOptions { MaxNewTokens = 40, Sampling = new SamplingOptions { Temperature = 0.8, Seed = 17 } } };
        var alone = await generator.CompleteAsync(prompt, options);

        var reply = await fixture.Server.ChatAsync("Once upon a time", "\"temperature\": 0.8, \"seed\": 17, \"max_tokens\": 40");

        Assert.Equal((alone.Text, alone.Reasoning), Said(reply));
        Assert.Equal("length", reply.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Chat_Usage_CountsPromptCacheReasoningAndReply()
    {
        var generator = (await fixture.Server.ServiceAsync()).Generator;
        var prompt = generator.Chat([ChatMessage.User("What is 21 + 22? Tell me slowly, one digit after the other, so that I can follow what is being said.")]);
        var question = "What is 21 + 22? Tell me slowly, one digit after the other, so that I can follow what is being said.";

        await fixture.Server.ChatAsync(question, "\"temperature\": 0");
        var usage = (await fixture.Server.ChatAsync(question, "\"temperature\": 0")).GetProperty("usage");

        var alone = await generator.CompleteAsync(prompt, new TextOptions { Generation = new GenerationOptions { Sampling = new SamplingOptions { Temperature = 0 } } });
        var closing = Reasoning(generator.Tokenizer!, alone.Ids);
        Assert.Equal(prompt.Ids.Count, usage.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(alone.Ids.Count, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(prompt.Ids.Count + alone.Ids.Count, usage.GetProperty("total_tokens").GetInt32());
        Assert.Equal(prompt.Ids.Count - 1, usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
        Assert.Equal(closing, usage.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32());
    }

    [Fact]
    public async Task Chat_ContentParts_AreOneText()
    {
        const string Parts = """[{"type": "text", "text": "What is "}, {"type": "text", "text": "123 + 456?"}]""";
        var json = $$"""{"model": "{{ServerFixture.Model}}", "temperature": 0, "messages": [{"role": "user", "content": {{Parts}}}]}""";

        using var response = await fixture.Server.PostAsync("/v1/chat/completions", json);

        Assert.Equal("123 + 456 = 579", Said(JsonElement.Parse(await response.Content.ReadAsStringAsync())).Text);
    }

    [Fact]
    public async Task Chat_DeveloperAndSystem_AreTheSame()
    {
        var system = await AnswerAsync("system");
        var developer = await AnswerAsync("developer");

        Assert.Equal(system, developer);

        async Task<(string?, string?)> AnswerAsync(string role) => Said(JsonElement.Parse(await (await fixture.Server.PostAsync(
            "/v1/chat/completions",
            $$"""{"model": "{{ServerFixture.Model}}", "temperature": 0, "messages": [{"role": "{{role}}", "content": "Be brief."}, {"role": "user", "content": "Hi"}], "max_tokens": 20}"""))
            .Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Chat_UnknownAndIgnoredParameters_ChangeNothing()
    {
        var plain = await fixture.Server.ChatAsync(Sum, "\"temperature\": 0");

        var decorated = await fixture.Server.ChatAsync(Sum, """
            "temperature": 0, "user": "me", "metadata": {"a": "b"}, "store": true, "service_tier": "auto", "new_parameter": [1], "stop": null, "seed": null, "top_p": null
            """);

        Assert.Equal(Said(plain), Said(decorated));
    }

    [Theory]
    [InlineData("\"stop\": \" + \"")]
    [InlineData("\"stop\": [\"never said\", \" + \"]")]
    public async Task Chat_StopString_EndsTheTextBeforeIt(string stop)
    {
        var generator = (await fixture.Server.ServiceAsync()).Generator;
        var alone = await generator.CompleteAsync(generator.Chat([ChatMessage.User(Sum)]), new TextOptions
        {
            StopStrings = [" + ", "never said"],
            Generation = new GenerationOptions { Sampling = new SamplingOptions { Temperature = 0 } },
        });

        var reply = await fixture.Server.ChatAsync(Sum, $"\"temperature\": 0, {stop}");

        Assert.Equal((alone.Text, alone.Reasoning), Said(reply));
        Assert.DoesNotContain(" + ", Said(reply).Text + Said(reply).Reasoning, StringComparison.Ordinal);
        Assert.Equal("stop", reply.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Chat_SeveralChoices_AreThoseOfSuccessiveSeeds()
    {
        const string Question = "Once upon a time";

        var several = await fixture.Server.ChatAsync(Question, "\"temperature\": 2, \"seed\": 5, \"n\": 3, \"max_tokens\": 20");

        var choices = several.GetProperty("choices").EnumerateArray().ToList();
        Assert.Equal([0, 1, 2], choices.Select(choice => choice.GetProperty("index").GetInt32()));
        for (var i = 0; i < 3; i++)
        {
            var alone = await fixture.Server.ChatAsync(Question, $"\"temperature\": 2, \"seed\": {5 + i}, \"max_tokens\": 20");
            Assert.Equal(Said(alone), Said(several, i));
        }

        Assert.Equal(60, several.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(3, choices.Select((_, i) => Said(several, i)).Distinct().Count());
    }

    [Fact]
    public async Task Chat_LogitBias_BansAToken()
    {
        var tokenizer = (await fixture.Server.ServiceAsync()).Generator.Tokenizer!;
        var plain = await fixture.Server.ChatAsync(Sum, "\"temperature\": 0, \"logprobs\": true, \"max_tokens\": 1");
        var first = plain.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("reasoning_content")[0].GetProperty("token").GetString()!;
        var id = tokenizer.Encode(first).Single();

        var banned = await fixture.Server.ChatAsync(Sum, $$"""
            "temperature": 0, "logprobs": true, "max_tokens": 1, "logit_bias": {"{{id}}": -100}
            """);

        Assert.NotEqual(first, banned.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("reasoning_content")[0].GetProperty("token").GetString());
    }

    [Fact]
    public async Task Chat_LogProbabilities_AreThoseOfTheModelWithBytesAndAlternatives()
    {
        var generator = (await fixture.Server.ServiceAsync()).Generator;
        List<TokenResult> alone = [];
        var options = new GenerationOptions { Alternatives = 3, Sampling = new SamplingOptions { Temperature = 0 } };
        await foreach (var update in generator.StreamAsync(generator.Chat([ChatMessage.User(Sum)]), new TextOptions { Generation = options }))
            alone.Add(update.Token);

        var reply = await fixture.Server.ChatAsync(Sum, "\"temperature\": 0, \"logprobs\": true, \"top_logprobs\": 3");

        var lists = reply.GetProperty("choices")[0].GetProperty("logprobs");
        var tokens = lists.GetProperty("reasoning_content").EnumerateArray().Concat(lists.GetProperty("content").EnumerateArray()).ToList();
        var expected = alone.Where(token => !token.IsEnd).ToList();
        Assert.Equal(expected.Select(token => token.LogProbability), tokens.Select(token => token.GetProperty("logprob").GetDouble()));
        Assert.Equal(
            expected.Select(token => generator.Tokenizer!.TokenBytes(token.Id).ToArray()),
            tokens.Select(token => token.GetProperty("bytes").EnumerateArray().Select(value => value.GetByte()).ToArray()));
        Assert.All(tokens, token => Assert.Equal(3, token.GetProperty("top_logprobs").GetArrayLength()));
        Assert.Equal(
            expected.SelectMany(token => token.Alternatives.Select(other => other.LogProbability)),
            tokens.SelectMany(token => token.GetProperty("top_logprobs").EnumerateArray().Select(other => other.GetProperty("logprob").GetDouble())));
        Assert.Equal(Said(reply).Text, string.Concat(lists.GetProperty("content").EnumerateArray().Select(token => token.GetProperty("token").GetString())).Trim());
    }

    [Fact]
    public async Task Stream_Chunks_JoinToTheWholeReply()
    {
        var whole = await fixture.Server.ChatAsync(Sum, "\"temperature\": 0, \"logprobs\": true");

        var chunks = await fixture.Server.StreamAsync("/v1/chat/completions", RunningServer.ChatJson(Sum, "\"temperature\": 0, \"stream\": true, \"logprobs\": true"));

        Assert.Single(chunks.Select(chunk => chunk.GetProperty("id").GetString()).Distinct());
        Assert.All(chunks, chunk => Assert.Equal("chat.completion.chunk", chunk.GetProperty("object").GetString()));
        Assert.All(chunks, chunk => Assert.False(chunk.TryGetProperty("usage", out _)));
        var deltas = chunks.Select(chunk => chunk.GetProperty("choices")[0].GetProperty("delta")).ToList();
        Assert.Equal("assistant", deltas[0].GetProperty("role").GetString());
        Assert.All(deltas.Skip(1), delta => Assert.False(delta.TryGetProperty("role", out _)));
        Assert.Equal(Said(whole), (Joined(deltas, "content"), Joined(deltas, "reasoning_content")));
        Assert.True(deltas.Count > 10, "It came in a few pieces alone.");
        var reasons = chunks.Select(chunk => chunk.GetProperty("choices")[0].GetProperty("finish_reason").GetString()).ToList();
        Assert.All(reasons.SkipLast(1), Assert.Null);
        Assert.Equal("stop", reasons[^1]);
        foreach (var list in (string[])["content", "reasoning_content"])
            Assert.Equal(LogProbabilities([whole], list), LogProbabilities(chunks, list));
    }

    [Fact]
    public async Task Stream_IncludeUsage_EndsWithTheTokensCounted()
    {
        var whole = await fixture.Server.ChatAsync(Sum, "\"temperature\": 0");

        var chunks = await fixture.Server.StreamAsync(
            "/v1/chat/completions", RunningServer.ChatJson(Sum, "\"temperature\": 0, \"stream\": true, \"stream_options\": {\"include_usage\": true}"));

        Assert.All(chunks.SkipLast(1), chunk => Assert.Equal(JsonValueKind.Null, chunk.GetProperty("usage").ValueKind));
        Assert.Equal(0, chunks[^1].GetProperty("choices").GetArrayLength());
        var usage = chunks[^1].GetProperty("usage");
        foreach (var count in (string[])["prompt_tokens", "completion_tokens", "total_tokens"])
            Assert.Equal(whole.GetProperty("usage").GetProperty(count).GetInt32(), usage.GetProperty(count).GetInt32());
    }

    [Fact]
    public async Task Stream_SeveralChoices_AreTheSameAsAtOnce()
    {
        const string Members = "\"temperature\": 2, \"seed\": 8, \"n\": 3, \"max_tokens\": 20";
        var whole = await fixture.Server.ChatAsync("Once upon a time", Members);

        var chunks = await fixture.Server.StreamAsync("/v1/chat/completions", RunningServer.ChatJson("Once upon a time", Members + ", \"stream\": true"));

        for (var i = 0; i < 3; i++)
        {
            var deltas = chunks.Select(chunk => chunk.GetProperty("choices")[0]).Where(choice => choice.GetProperty("index").GetInt32() == i).Select(choice => choice.GetProperty("delta")).ToList();
            Assert.Equal(Said(whole, i), (Joined(deltas, "content"), Joined(deltas, "reasoning_content")));
            Assert.Equal("assistant", deltas[0].GetProperty("role").GetString());
        }
    }

    private static (string? Text, string? Reasoning) Said(JsonElement reply, int choice = 0)
    {
        var message = reply.GetProperty("choices")[choice].GetProperty("message");
        return (message.GetProperty("content").GetString(), message.TryGetProperty("reasoning_content", out var reasoning) ? reasoning.GetString() : null);
    }

    private static string? Joined(List<JsonElement> deltas, string name)
    {
        var text = new StringBuilder();
        var any = name == "content";
        foreach (var delta in deltas)
        {
            if (!delta.TryGetProperty(name, out var piece))
                continue;
            any = true;
            text.Append(piece.GetString());
        }

        return any ? text.ToString() : null;
    }

    private static List<double> LogProbabilities(List<JsonElement> parts, string list) =>
    [
        .. parts.Select(part => part.GetProperty("choices")[0].GetProperty("logprobs"))
            .Where(lists => lists.ValueKind == JsonValueKind.Object && lists.TryGetProperty(list, out _))
            .SelectMany(lists => lists.GetProperty(list).EnumerateArray().Select(token => token.GetProperty("logprob").GetDouble())),
    ];

    private static int Reasoning(DeepseekTokenizer tokenizer, IReadOnlyList<int> ids)
    {
        for (var count = 1; count <= ids.Count; count++)
        {
            if (tokenizer.Decode(ids.Take(count)).Contains("</think>", StringComparison.Ordinal))
                return count;
        }

        return ids.Count;
    }
}
