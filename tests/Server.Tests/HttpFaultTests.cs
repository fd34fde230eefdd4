using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace Deepseek.Inference.Server.Tests;

/// <summary>What HTTP itself forbids, and bodies that mean harm.</summary>
public sealed class HttpFaultTests(ServerFixture fixture)
{
    private const string Chat = "/v1/chat/completions";

    public static TheoryData<string, string> Bodies => new()
    {
        { "", "The body is empty; it must be a JSON object." },
        { "{", "The body is no JSON that can be read, at most 64 levels deep: …" },
        { "{\"model\": \"a\",}", "The body is no JSON that can be read, at most 64 levels deep: …" },
        { "{} {}", "The body is no JSON that can be read, at most 64 levels deep: …" },
        { "[1, 2]", "The body is JSON, but no object; it must be an object such as {\"model\": …}." },
        { "null", "The body is JSON, but no object; it must be an object such as {\"model\": …}." },
        { "{\"messages\": " + new string('[', 100_000), "The body is no JSON that can be read, at most 64 levels deep: …" },
        { "{\"model\": \"\\ud800\"}", "The body holds a string that escapes half of a surrogate pair; it must be valid Unicode." },
        { "{\"\\udc00\": 1}", "The body holds a string that escapes half of a surrogate pair; it must be valid Unicode." },
    };

    [Theory, MemberData(nameof(Bodies))]
    public async Task Post_BodyThatIsNoRequest_IsRefused(string body, string message)
    {
        using var response = await fixture.Server.PostAsync(Chat, body);

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, message);
    }

    [Fact]
    public async Task Post_BytesThatAreNoUtf8_AreRefused()
    {
        using var content = new ByteArrayContent([.. "{\"model\": \""u8, 0xC3, 0x28, .. "\"}"u8]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var response = await fixture.Server.Client.PostAsync(Chat, content);

        await response.RequireFaultAsync(HttpStatusCode.BadRequest, "The body is not UTF-8; JSON must be.");
    }

    [Theory]
    [InlineData("text/plain", "Content-Type is 'text/plain'; it must be application/json, in UTF-8.")]
    [InlineData("application/x-www-form-urlencoded", "Content-Type is 'application/x-www-form-urlencoded'; it must be application/json, in UTF-8.")]
    [InlineData("application/json; charset=utf-16", "Content-Type is 'application/json; charset=utf-16'; it must be application/json, in UTF-8.")]
    [InlineData(null, "Content-Type is missing; it must be application/json, in UTF-8.")]
    public async Task Post_AnotherContentType_IsRefused(string? type, string message)
    {
        using var content = new ByteArrayContent("{}"u8.ToArray());
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);

        using var response = await fixture.Server.Client.PostAsync(Chat, content);

        await response.RequireFaultAsync(HttpStatusCode.UnsupportedMediaType, message);
    }

    [Fact]
    public async Task Post_CompressedBody_IsRefused()
    {
        using var content = new StringContent("{}", Encoding.UTF8, "application/json");
        content.Headers.ContentEncoding.Add("gzip");

        using var response = await fixture.Server.Client.PostAsync(Chat, content);

        await response.RequireFaultAsync(HttpStatusCode.UnsupportedMediaType, "Content-Encoding is 'gzip'; the body must come uncompressed.");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Post_BodyBeyondTheLimit_IsRefused(bool saysItsLength)
    {
        await using var server = await RunningServer.StartAsync(options: new DeepseekServerOptions { MaxBodyBytes = 2000 });
        var bytes = Encoding.UTF8.GetBytes(RunningServer.ChatJson(new string('a', 3000)));
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = saysItsLength ? new ByteArrayContent(bytes) : new StreamContent(new MemoryStream(bytes)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TransferEncodingChunked = !saysItsLength;

        using var response = await server.Client.SendAsync(request);

        await response.RequireFaultAsync(HttpStatusCode.RequestEntityTooLarge, "The body has more than 2000 bytes, which is the server's limit. Send less, or raise DeepseekServerOptions.MaxBodyBytes.");
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completions", "POST")]
    [InlineData("PUT", "/v1/completions", "POST")]
    [InlineData("POST", "/v1/models", "GET")]
    [InlineData("DELETE", "/v1/models/deepseek-nano", "GET")]
    [InlineData("POST", "/stats", "GET")]
    public async Task Send_AnotherMethod_IsRefusedWithTheRightOne(string method, string path, string allowed)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await fixture.Server.Client.SendAsync(request);

        await response.RequireFaultAsync(HttpStatusCode.MethodNotAllowed, $"{path} was asked by {method}; it must be {allowed}.");
        Assert.Equal([allowed], response.Content.Headers.Allow);
    }

    [Theory]
    [InlineData("GET", "/v1/")]
    [InlineData("POST", "/v1/embeddings")]
    [InlineData("GET", "/v1/engines/a")]
    public async Task Send_UnknownPath_IsNotFound(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await fixture.Server.Client.SendAsync(request);

        await response.RequireFaultAsync(HttpStatusCode.NotFound, $"There is nothing at {path}. Chats are at /v1/chat/completions, texts at /v1/completions, the model's id at /v1/models.");
    }

    [Fact]
    public async Task Send_HalfARequestAndGone_LeavesTheServerAtWork()
    {
        var address = fixture.Server.Client.BaseAddress!;
        for (var i = 0; i < 20; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(address.Host, address.Port);
            var bytes = Encoding.ASCII.GetBytes($"POST {Chat} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"model\"");
            await client.GetStream().WriteAsync(bytes.AsMemory(0, bytes.Length - i));
        }

        var reply = await fixture.Server.ChatAsync("What is 1 + 2?", "\"temperature\": 0");

        Assert.Equal("1 + 2 = 3", reply.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
    }
}
