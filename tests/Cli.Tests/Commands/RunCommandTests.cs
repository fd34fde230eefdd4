using System.Text.Json;
using Deepseek.Inference.Tests;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Cli.Tests.Commands;

public sealed class RunCommandTests
{
    private const string Question = "What is 123 + 456?";

    private static readonly string WithoutTokenizer = Path.Combine(TestPaths.Fixtures, "v3-mtp");

    [Fact]
    public async Task Batch_EvaluationSet_AnswersAsTheReferenceDid()
    {
        var questions = Evaluation.Questions(12);
        using TemporaryFolder folder = new();
        var batch = folder.Write("batch.jsonl", string.Join("\n\n", questions.Select(question => $"{{\"ids\": [{string.Join(',', question.Prompt)}]}}")));

        var result = await Tool.RunAsync("run", "--batch", batch, "--json", "--temperature", "0", "--model", TestPaths.Nano);

        result.AssertSuccess();
        Assert.Equal(questions.Select(question => question.Reference), result.Objects.Select(Ids));
        Assert.Equal(questions.Select(question => question.Answer), result.Objects.Select(reply => reply.GetProperty("text").GetString()));
        Assert.All(result.Objects, reply => Assert.Equal("stop", reply.GetProperty("finish_reason").GetString()));
    }

    [Fact]
    public async Task Prompt_Json_HasTheWholeReply()
    {
        var result = await Tool.RunAsync("run", "--prompt", Question, "--json", "--temperature", "0");

        result.AssertSuccess();
        var reply = Assert.Single(result.Objects);
        Assert.Equal(["text", "reasoning", "ids", "finish_reason", "usage", "timings"], Names(reply));
        Assert.Equal("123 + 456 = 579", reply.GetProperty("text").GetString());
        Assert.Contains("3 + 6 + 0 = 9", reply.GetProperty("reasoning").GetString(), StringComparison.Ordinal);

        var usage = reply.GetProperty("usage");
        Assert.Equal(["prompt_tokens", "cached_tokens", "completion_tokens", "total_tokens"], Names(usage));
        Assert.Equal(Ids(reply).Length, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(usage.GetProperty("total_tokens").GetInt32(), usage.GetProperty("prompt_tokens").GetInt32() + Ids(reply).Length);

        var timings = reply.GetProperty("timings");
        Assert.Equal(["first_token_ms", "decode_ms", "decode_tokens_per_second"], Names(timings));
        Assert.All(timings.EnumerateObject(), timing => Assert.True(timing.Value.GetDouble() > 0, $"{timing.Name} is {timing.Value}."));
    }

    [Fact]
    public async Task Prompt_Plain_IsTheAnswerAlone()
    {
        var result = await Tool.RunAsync("run", "-p", Question, "-t", "0", "--verbose");

        result.AssertSuccess();
        Assert.Equal("123 + 456 = 579\n", result.Out);
    }

    [Fact]
    public async Task Raw_IdsOfAConversation_KeepsSpecialTokensButTheLast()
    {
        var question = Evaluation.Questions(1)[0];
        var tokenizer = DeepseekTokenizer.Load(TestPaths.Nano);
        using TemporaryFolder folder = new();
        var batch = folder.Write("batch.jsonl", $"{{\"ids\": [{string.Join(',', question.Prompt)}]}}\n{{\"prompt\": {JsonSerializer.Serialize(tokenizer.Decode(question.Prompt))}}}");

        var result = await Tool.RunAsync("run", "--batch", batch, "--raw", "--json", "--temperature", "0");

        result.AssertSuccess();
        var expected = tokenizer.Decode(question.Reference.AsSpan(..^1));
        Assert.Contains("</think>", expected, StringComparison.Ordinal);
        Assert.Equal([expected, expected], result.Objects.Select(reply => reply.GetProperty("text").GetString()));
        Assert.Equal([question.Reference, question.Reference], result.Objects.Select(Ids)); // the begin token that the text holds is not given twice
        Assert.All(result.Objects, reply => Assert.Equal(JsonValueKind.Null, reply.GetProperty("reasoning").ValueKind));
    }

    [Fact]
    public async Task Seed_Same_GivesTheSameText()
    {
        Task<ToolResult> RunAsync(string seed) => Tool.RunAsync("run", "--raw", "--prompt", "It was the best of times", "--max-new", "30", "--temperature", "1.2", "--top-k", "50", "--top-p", "0.98", "--seed", seed);

        var (first, again, other) = (await RunAsync("7"), await RunAsync("7"), await RunAsync("-8"));

        first.AssertSuccess();
        Assert.Equal(first.Out, again.Out);
        Assert.NotEqual(first.Out, other.Out);
    }

    [Fact]
    public async Task MaxNewAndStop_EndTheReply()
    {
        var shortened = await Tool.RunAsync("run", "--raw", "--prompt", Question, "--max-new", "3", "--json", "--temperature", "0");
        var stopped = await Tool.RunAsync("run", "--prompt", Question, "--stop", "= 57", "--stop", "zzz", "--json", "--temperature", "0");

        Assert.Equal("length", shortened.Objects.Single().GetProperty("finish_reason").GetString());
        Assert.Equal(3, Ids(shortened.Objects.Single()).Length);
        Assert.Equal("stop", stopped.Objects.Single().GetProperty("finish_reason").GetString());
        Assert.Equal("123 + 456 ", stopped.Objects.Single().GetProperty("text").GetString());
    }

    [Fact]
    public async Task Batch_IdsWithoutTokenizer_HaveNoText()
    {
        using TemporaryFolder folder = new();
        var batch = folder.Write("batch.jsonl", "{\"ids\": [1, 2, 3]}\n{\"ids\": [4]}");
        string[] line = ["run", "--batch", batch, "--max-new", "4", "--temperature", "0", "--model", WithoutTokenizer];

        var json = await Tool.RunAsync([.. line, "--json"]);
        var plain = await Tool.RunAsync(line);

        json.AssertSuccess();
        Assert.All(json.Objects, reply => Assert.Equal(JsonValueKind.Null, reply.GetProperty("text").ValueKind));
        Assert.Equal(json.Objects.Select(reply => string.Join(' ', Ids(reply))), plain.Out.TrimEnd('\n').Split('\n'));
    }

    [Theory]
    [InlineData("{\"prompt\": \"a\"}", "tokenizer.json: the file is missing; text needs it.")]
    [InlineData("{\"ids\": [1]}\n{\"ids\": [256]}", "line 2: \"ids\": element 0 is 256; the model's vocabulary has 0 to 255.")]
    [InlineData("{\"ids\": [1]}\n{\"ids\": [1]", "line 2 is not valid JSON")]
    public async Task Batch_PromptThatCannotBe_IsRefusedBeforeAnythingIsGenerated(string lines, string fragment)
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync("run", "--batch", folder.Write("batch.jsonl", lines), "--model", WithoutTokenizer, "--max-new", "2", "--json");

        result.AssertFault(DeepseekTool.Fault, fragment);
    }

    [Fact]
    public async Task Prompt_TooLongForTheContext_IsRefused()
    {
        var result = await Tool.RunAsync("run", "--prompt", string.Concat(Enumerable.Repeat("one two three ", 1000)));

        result.AssertFault(DeepseekTool.Fault, "the context holds 2048");
    }

    private static int[] Ids(JsonElement reply) => [.. reply.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];

    private static IEnumerable<string> Names(JsonElement value) => value.EnumerateObject().Select(member => member.Name);
}
