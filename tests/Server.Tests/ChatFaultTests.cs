using System.Net;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Server.Tests;

/// <summary>What a chat request can be refused for, with the whole message.</summary>
public sealed class ChatFaultTests(ServerFixture fixture)
{
    private const string Message = "\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]";

    public static TheoryData<string, string, string> Parameters => new()
    {
        { "\"temperature\": 3", "temperature", "temperature is 3; it must be a number, 0 to 2." },
        { "\"temperature\": \"hot\"", "temperature", "temperature is 'hot'; it must be a number, 0 to 2." },
        { "\"temperature\": 1e999", "temperature", "temperature is 1e999; it must be a number, 0 to 2." },
        { "\"top_p\": -0.1", "top_p", "top_p is -0.1; it must be a number, 0 to 1." },
        { "\"top_k\": 1.5", "top_k", "top_k is 1.5; it must be a whole number, 0 or more." },
        { "\"min_p\": 2", "min_p", "min_p is 2; it must be a number, 0 to 1." },
        { "\"repetition_penalty\": 0", "repetition_penalty", "repetition_penalty is 0; it must be a number, 0.01 to 100." },
        { "\"frequency_penalty\": 2.5", "frequency_penalty", "frequency_penalty is 2.5; it must be a number, -2 to 2." },
        { "\"presence_penalty\": -3", "presence_penalty", "presence_penalty is -3; it must be a number, -2 to 2." },
        { "\"max_tokens\": 0", "max_tokens", "max_tokens is 0; it must be a whole number, 1 or more." },
        { "\"max_completion_tokens\": 99999999999", "max_completion_tokens", "max_completion_tokens is 99999999999; it must be a whole number, 1 or more." },
        { "\"n\": 17", "n", "n is 17; it must be a whole number, 1 to 16." },
        { "\"n\": {}", "n", "n is an object; it must be a whole number, 1 to 16." },
        { "\"seed\": 0.5", "seed", "seed is 0.5; it must be a whole number of 64 bits." },
        { "\"stream\": \"yes\"", "stream", "stream is 'yes'; it must be true or false." },
        { "\"stream\": true, \"stream_options\": []", "stream_options", "stream_options is an array of 0; it must be an object such as {\"include_usage\": true}." },
        { "\"stream\": true, \"stream_options\": {\"include_usage\": 1}", "stream_options.include_usage", "stream_options.include_usage is 1; it must be true or false." },
        { "\"stream_options\": {}", "stream_options", "stream_options is given, and stream is not true; leave it out, or set stream." },
        { "\"stop\": 5", "stop", "stop is 5; it must be a string, or an array of up to 4." },
        { "\"stop\": \"\"", "stop", "stop is ''; it must be a string of 1 to 1000 characters." },
        { "\"stop\": [\"a\", null]", "stop[1]", "stop[1] is null; it must be a string of 1 to 1000 characters." },
        { "\"stop\": [\"a\", \"b\", \"c\", \"d\", \"e\"]", "stop", "stop is an array of 5; it must be a string, or an array of up to 4." },
        { "\"logprobs\": 1", "logprobs", "logprobs is 1; it must be true or false." },
        { "\"top_logprobs\": 3", "top_logprobs", "top_logprobs is given, and logprobs is not true; leave it out, or set logprobs." },
        { "\"logprobs\": true, \"top_logprobs\": 21", "top_logprobs", "top_logprobs is 21; it must be a whole number, 0 to 20." },
        { "\"logit_bias\": [1]", "logit_bias", "logit_bias is an array of 1; it must be an object from token ids to numbers, -100 to 100." },
        { "\"logit_bias\": {\"the\": 1}", "logit_bias", "logit_bias names 'the'; it must name tokens by their ids, such as \"50\"." },
        { "\"logit_bias\": {\"5\": 101}", "logit_bias.5", "logit_bias.5 is 101; it must be a number, -100 to 100." },
        { "\"logit_bias\": {\"4000\": 1}", "logit_bias", "logit_bias names token 4000; ids must be 0 to 2047." },
    };

    public static TheoryData<string, string, string> Messages => new()
    {
        { "null", "messages", "messages is missing; it must be an array of at least one message, such as {\"role\": \"user\", \"content\": \"Hello\"}." },
        { "[]", "messages", "messages is an array of 0; it must be an array of at least one message, such as {\"role\": \"user\", \"content\": \"Hello\"}." },
        { "\"Hi\"", "messages", "messages is 'Hi'; it must be an array of at least one message, such as {\"role\": \"user\", \"content\": \"Hello\"}." },
        { "[\"Hi\"]", "messages[0]", "messages[0] is 'Hi'; it must be an object such as {\"role\": \"user\", \"content\": \"Hello\"}." },
        { "[{\"content\": \"Hi\"}]", "messages[0].role", "messages[0].role is missing; it must be system, developer, user, assistant or tool." },
        { "[{\"role\": \"robot\", \"content\": \"Hi\"}]", "messages[0].role", "messages[0].role is 'robot'; it must be system, developer, user, assistant or tool." },
        { "[{\"role\": \"user\"}]", "messages[0].content", "messages[0].content is missing; it must be a string, or an array of parts such as {\"type\": \"text\", \"text\": \"Hello\"}." },
        { "[{\"role\": \"user\", \"content\": 7}]", "messages[0].content", "messages[0].content is 7; it must be a string, or an array of parts such as {\"type\": \"text\", \"text\": \"Hello\"}." },
        { "[{\"role\": \"user\", \"content\": [1]}]", "messages[0].content[0]", "messages[0].content[0] is 1; it must be an object such as {\"type\": \"text\", \"text\": \"Hello\"}." },
        { "[{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]", "messages[0].content[0].text", "messages[0].content[0].text is missing; it must be a string." },
        { "[{\"role\": \"tool\", \"content\": \"5\"}]", "messages[0].tool_call_id", "messages[0].tool_call_id is missing; it must be the id of the call that the message answers." },
        { "[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"tool_calls\": [{}]}]", "messages[1].tool_calls[0].function", "messages[1].tool_calls[0].function is missing; it must be an object with name and arguments." },
        { "[{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": {}}}]}]", "messages[0].tool_calls[0].function.arguments", "messages[0].tool_calls[0].function.arguments is an object; it must be a string of JSON." },
    };

    [Theory, MemberData(nameof(Parameters))]
    public async Task Chat_ParameterAtFault_IsRefusedByName(string members, string param, string message)
    {
        using var response = await PostAsync($$"""{"model": "deepseek-nano", {{Message}}, {{members}}}""");

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, message, param);
    }

    [Theory, MemberData(nameof(Messages))]
    public async Task Chat_MessageAtFault_IsRefusedByItsPlace(string messages, string param, string message)
    {
        using var response = await PostAsync($$"""{"model": "deepseek-nano", "messages": {{messages}}}""");

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, message, param);
    }

    [Fact]
    public async Task Chat_PartThatIsNoText_IsRefused()
    {
        const string Image = """{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}""";

        using var response = await PostAsync($$"""{"model": "deepseek-nano", "messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {{Image}}]}]}""");

        await response.RequireFaultAsync(
            HttpStatusCode.BadRequest, "messages[0].content[1].type is 'image_url'; it must be text, since the model reads nothing else.", "messages[0].content[1].type", "unsupported_content");
    }

    [Fact]
    public async Task Chat_NoModel_IsRefused()
    {
        using var response = await PostAsync($$"""{ {{Message}} }""");

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, "model is missing; it must be a model's id, as /v1/models lists it.", "model");
    }

    [Fact]
    public async Task Chat_AnotherModel_IsNotFound()
    {
        using var response = await PostAsync($$"""{"model": "gpt-4o", {{Message}}}""");

        await response.RequireFaultAsync(HttpStatusCode.NotFound, "The model 'gpt-4o' is not served here; it must be 'deepseek-nano'.", "model", "model_not_found");
    }

    [Fact]
    public async Task Chat_TemplateThatRefusesTheMessages_IsTheClientsFault()
    {
        using var nano = new AlteredNano(("tokenizer_config.json", """{"chat_template": "{{ raise_exception('Roles must alternate.') }}"}"""));
        await using var server = await RunningServer.StartAsync(model => model.ModelPath = nano.Folder);

        using var response = await server.PostAsync("/v1/chat/completions", RunningServer.ChatJson("Hi"));

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, "The model's chat template cannot render the messages: line 1: …", "messages");
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains("Roles must alternate.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("tokenizer_config", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_PromptBeyondTheContext_IsRefused()
    {
        var text = string.Concat(Enumerable.Repeat("7 ", 2100));

        using var response = await PostAsync(RunningServer.ChatJson(text));

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, "The prompt has …", "messages", "context_length_exceeded");
        Assert.Contains("tokens; the model's context holds 2048. Shorten it.", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_NewTokensBeyondTheContext_AreRefused()
    {
        using var response = await PostAsync(RunningServer.ChatJson("Hi", "\"max_tokens\": 2048"));

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, "The prompt has …", "messages", "context_length_exceeded");
        Assert.Contains("tokens, and 2048 new ones are asked for; the model's context holds 2048. Shorten the prompt, or ask for fewer.", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private Task<HttpResponseMessage> PostAsync(string json) => fixture.Server.PostAsync("/v1/chat/completions", json);
}
