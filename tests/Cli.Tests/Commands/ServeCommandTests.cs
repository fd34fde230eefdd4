using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

/// <summary><c>deepseek serve</c> as a process: it starts, answers, and ends when it is asked to.</summary>
public sealed class ServeCommandTests
{
    [Fact]
    public async Task Serve_StartedAnsweringAndTerminated_EndsWithZero()
    {
        ToolProcess.RequireInterrupts();
        using var tool = ToolProcess.Start("serve", "--port", "0");
        using var client = await ClientAsync(tool);

        var reply = await ChatAsync(client, "\"temperature\": 0.8, \"seed\": 9, \"max_tokens\": 30");
        tool.Terminate();
        var result = await tool.FinishAsync();

        var run = await Tool.RunAsync("run", "--prompt", "Once upon a time", "--temperature", "0.8", "--seed", "9", "--max-new", "30", "--json");
        var alone = run.Objects.Single();
        Assert.Equal(alone.GetProperty("text").GetString(), reply.GetProperty("content").GetString());
        Assert.Equal(alone.GetProperty("reasoning").GetString(), reply.GetProperty("reasoning_content").GetString());
        Assert.Equal((DeepseekTool.Success, ""), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Serve_TerminatedWhileAReplyStreams_LetsItEnd()
    {
        ToolProcess.RequireInterrupts();
        using var tool = ToolProcess.Start("serve", "--port", "0");
        using var client = await ClientAsync(tool);
        await ChatAsync(client, "\"max_tokens\": 1");
        using var request = Request("\"temperature\": 1, \"logit_bias\": {\"1\": -100}, \"max_tokens\": 600, \"stream\": true, \"stream_options\": {\"include_usage\": true}");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        tool.Terminate();
        var events = (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        var result = await tool.FinishAsync();

        Assert.Equal("data: [DONE]", events[^1]);
        Assert.Equal(600, JsonElement.Parse(events[^2]["data: ".Length..]).GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal((DeepseekTool.Success, ""), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Serve_AskedTwiceToEnd_EndsAtOnce()
    {
        ToolProcess.RequireInterrupts();
        using var nano = AlteredNano.WithLongContext();
        using var tool = ToolProcess.Start("serve", "--model", nano.Folder, "--port", "0", "--grace", "3600");
        using var client = await ClientAsync(tool);
        using var request = Request("\"temperature\": 1, \"logit_bias\": {\"1\": -100}, \"stream\": true");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        tool.Terminate();
        await Task.Delay(300, TestContext.Current.CancellationToken); // two signals at once are one
        tool.Terminate();
        var result = await tool.FinishAsync();

        result.AssertFault(DeepseekTool.Terminated, "interrupted.");
    }

    [Fact]
    public async Task Serve_KeyOfTheEnvironment_IsRequired()
    {
        using var tool = ToolProcess.Start(new Dictionary<string, string> { ["DEEPSEEK_API_KEY"] = "secret" }, "serve", "--port", "0");
        using var client = await ClientAsync(tool);

        using var without = await client.GetAsync("/v1/models", TestContext.Current.CancellationToken);
        client.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        using var with = await client.GetAsync("/v1/models", TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (without.StatusCode, with.StatusCode));
    }

    [Fact]
    public async Task Serve_PortInUse_IsOneClearLine()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var result = await Tool.RunAsync("serve", "--port", $"{port}");

        result.AssertFault(DeepseekTool.Fault, $"Failed to bind to address http://127.0.0.1:{port}: address already in use. Choose another --port, or 0 for any that is free.");
    }

    [Theory]
    [InlineData("host is 'example.org'; it must be localhost, or an IP address of this machine such as 127.0.0.1, or 0.0.0.0 for all of them.", "--host", "example.org")]
    [InlineData("The server cannot listen there:", "--host", "192.0.2.1", "--no-api-key", "--port", "0")]
    [InlineData("ModelPath is no/such; there is no such folder.", "--model", "no/such")]
    public async Task Serve_CannotBegin_IsAFault(string message, params string[] args)
    {
        var result = await Tool.RunAsync(["serve", .. args]);

        result.AssertFault(DeepseekTool.Fault, message);
    }

    [Fact]
    public async Task Serve_FolderThatIsNoModel_EndsWithItsFault()
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync("serve", "--port", "0", "--model", folder.Path);

        Assert.Equal(DeepseekTool.Fault, result.ExitCode);
        Assert.Contains("config.json", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--host is 0.0.0.0, where other machines reach the server, and there is no key. Give --api-key KEY, set DEEPSEEK_API_KEY, or say --no-api-key to serve everyone.", "--host", "0.0.0.0")]
    [InlineData("--no-api-key is given beside a key; leave one of them out (the key may come from DEEPSEEK_API_KEY).", "--no-api-key", "--api-key", "a")]
    [InlineData("--port is '70000'; it must be a whole number, 0 to 65535.", "--port", "70000")]
    [InlineData("--max-batch is '0'; it must be a whole number, 1 to 1024.", "--max-batch", "0")]
    public async Task Serve_WrongUsage_IsRefused(string message, params string[] args)
    {
        var result = await Tool.RunAsync(["serve", .. args]);

        result.AssertFault(DeepseekTool.WrongUsage, message);
    }

    private static async Task<HttpClient> ClientAsync(ToolProcess tool)
    {
        var address = Regex.Match(await tool.ReadUntilAsync("\n"), "^Listening on (http://127\\.0\\.0\\.1:[0-9]+)\n$");
        Assert.True(address.Success);
        return new HttpClient { BaseAddress = new Uri(address.Groups[1].Value) };
    }

    private static async Task<JsonElement> ChatAsync(HttpClient client, string members)
    {
        using var request = Request(members);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var reply = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return reply.GetProperty("choices")[0].GetProperty("message");
    }

    private static HttpRequestMessage Request(string members) => new(HttpMethod.Post, "/v1/chat/completions")
    {
        Content = new StringContent($$"""{"model": "deepseek-nano", "messages": [{"role": "user", "content": "Once upon a time"}], {{members}}}""", System.Text.Encoding.UTF8, "application/json"),
    };
}
