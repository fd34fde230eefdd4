using System.Net;
using System.Text.RegularExpressions;
using Deepseek.Inference.Server.Page;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Deepseek.Inference.Server.Tests.Page;

public sealed class PageEndpointTests(ServerFixture fixture)
{
    private const int LongestFile = 300; // lines; each file of the page has one idea, like the library's own

    private static readonly PageFiles Files = new();

    public static TheoryData<string> Names => [.. Files.Names];

    [Fact]
    public async Task Index_Request_IsThePageUnderAStrictPolicy()
    {
        using var response = await fixture.Server.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/html; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Contains("<h1 id=\"model\">", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var policy = Header(response, "Content-Security-Policy").Split("; ");
        string[] expected =
        [
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
            "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
        ];
        Assert.Equal(expected, policy);
        Assert.Equal("nosniff", Header(response, "X-Content-Type-Options"));
        Assert.Equal("no-referrer", Header(response, "Referrer-Policy"));
        Assert.Equal("no-cache", Header(response, "Cache-Control"));
    }

    [Theory, MemberData(nameof(Names))]
    public async Task File_Request_HasItsTypeAndPolicy(string name)
    {
        using var response = await fixture.Server.Client.GetAsync($"/page/{name}");

        var expected = Path.GetExtension(name) switch { ".js" => "text/javascript", ".css" => "text/css", ".svg" => "image/svg+xml", _ => "text/html" };
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(expected, response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("nosniff", Header(response, "X-Content-Type-Options"));
        Assert.Contains("default-src 'none'", Header(response, "Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal(Files.Find(name)!.Bytes, await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task File_KnownTag_IsNotSentAgain()
    {
        using var first = await fixture.Server.Client.GetAsync("/page/app.js");
        var tag = first.Headers.ETag!;
        using var again = new HttpRequestMessage(HttpMethod.Get, "/page/app.js");
        again.Headers.IfNoneMatch.Add(tag);
        using var other = new HttpRequestMessage(HttpMethod.Get, "/page/app.js");
        other.Headers.IfNoneMatch.Add(new System.Net.Http.Headers.EntityTagHeaderValue("\"another\""));

        using var known = await fixture.Server.Client.SendAsync(again);
        using var unknown = await fixture.Server.Client.SendAsync(other);

        Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
        Assert.Empty(await known.Content.ReadAsByteArrayAsync());
        Assert.Equal(tag, known.Headers.ETag);
        Assert.Equal(HttpStatusCode.OK, unknown.StatusCode);
    }

    [Fact]
    public async Task File_Head_HasALengthAndNoBody()
    {
        using var response = await fixture.Server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/page/app.css"));

        Assert.Equal(Files.Find("app.css")!.Bytes.Length, response.Content.Headers.ContentLength);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("/page/none.js")]
    [InlineData("/page/..%2Fapp.js")]
    [InlineData("/page/PageEndpoint.cs")]
    public async Task File_Unknown_IsNotFound(string address)
    {
        using var response = await fixture.Server.Client.GetAsync(address);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("The page has no such file.", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Page_ServerWithKeys_NeedsNone()
    {
        await using var server = await RunningServer.StartAsync(options: new DeepseekServerOptions { ApiKeys = ["secret"] });

        using var index = await server.Client.GetAsync("/");
        using var file = await server.Client.GetAsync("/page/app.js");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (index.StatusCode, file.StatusCode));
    }

    [Fact]
    public async Task MapDeepseekPage_UnderAPath_LeadsToTheAddressWithASlash()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        await using var app = builder.Build();
        app.UseRouting();
        app.MapGroup("/chat").MapDeepseekPage();
        await app.StartAsync();
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(app.Urls.First()) };

        using var without = await client.GetAsync("/chat");
        using var with = await client.GetAsync("/chat/");
        using var file = await client.GetAsync("/chat/page/app.js");

        Assert.Equal((HttpStatusCode.Redirect, "/chat/"), (without.StatusCode, without.Headers.Location!.ToString()));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (with.StatusCode, file.StatusCode));
    }

    [Fact]
    public void MapDeepseekPage_Null_Throws()
    {
        Assert.Throws<ArgumentNullException>("endpoints", () => ((IEndpointRouteBuilder)null!).MapDeepseekPage());
    }

    [Theory, MemberData(nameof(Names))]
    public void File_Text_IsShortAndNamesNoOtherPlace(string name)
    {
        var text = System.Text.Encoding.UTF8.GetString(Files.Find(name)!.Bytes);

        var addresses = Regex.Matches(text, @"https?://[\w.-]+").Select(match => match.Value).Except(["http://www.w3.org"]);
        Assert.Empty(addresses);
        Assert.InRange(text.Count(character => character == '\n'), 1, LongestFile);
        Assert.DoesNotMatch(@"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text);
    }

    [Fact]
    public void Index_Markup_HoldsNoScriptAndNoStyleOfItsOwn()
    {
        var text = System.Text.Encoding.UTF8.GetString(Files.Find("index.html")!.Bytes);

        Assert.DoesNotMatch(@"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", text);
    }

    private static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));
}
