using Deepseek.Inference.Server.Tests.Page.Support;
using Microsoft.AspNetCore.Http;
using static Microsoft.Playwright.Assertions;

namespace Deepseek.Inference.Server.Tests.Page;

/// <summary>What the page says when something goes wrong, and what can be done about it there.</summary>
[Collection(BrowserGroup.Name)]
public sealed class PageFaultTests(Browser browser)
{
    [Fact]
    public async Task Key_Missing_IsAskedForAndTheQuestionIsAskedAgain()
    {
        await using var server = await RunningServer.StartAsync(options: new DeepseekServerOptions { ApiKeys = ["sk-right"] });
        await using var session = await browser.OpenAsync(server.Client.BaseAddress!);
        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("An API key is needed");
        await session.AskAsync("What is 123 + 456?");
        await Expect(session.Page.Locator(".fault")).ToContainTextAsync("The request has no API key");

        await session.Button("Enter the key").ClickAsync();
        await Expect(session.Page.Locator("#key")).ToBeFocusedAsync();
        await session.Page.Keyboard.TypeAsync("sk-wrong");
        await session.Page.Keyboard.PressAsync("Enter");
        await Expect(session.Page.Locator(".fault")).ToContainTextAsync("The API key is not one of this server's.");
        await session.SetAsync(("API key", "sk-right"), ("Temperature", "0"));
        var shown = await session.CompleteAsync();

        Assert.Equal("123 + 456 = 579", shown.Trim());
        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("Ready");
        session.RequireClean();
    }

    [Theory]
    [InlineData(429, "257 requests wait already.")]
    [InlineData(400, "messages is too long.")]
    [InlineData(503, "The server is stopping.")]
    public async Task Refusal_Status_ShowsTheServersWordsAndTriesAgain(int status, string message)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        server.Refuse = http => http.Request.Method == "POST" ? ScriptedServer.RefuseAsync(http, status, message) : Task.FromResult(false);
        await session.AskAsync("Hello");
        await Expect(session.Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync(message);
        await Expect(session.Status).ToHaveTextAsync("The reply failed.");

        server.Refuse = _ => Task.FromResult(false);
        server.Reply("Now");
        await session.Button("Try again").ClickAsync();

        await Expect(session.Answer).ToHaveTextAsync("Now");
        await Expect(session.Page.Locator(".fault")).ToHaveCountAsync(0);
        session.RequireClean();
    }

    [Fact]
    public async Task Refusal_NotFromTheServer_IsToldByItsStatus()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        server.Refuse = async http =>
        {
            if (http.Request.Method != "POST")
                return false;
            http.Response.StatusCode = 502;
            await http.Response.WriteAsync("<h1>Bad gateway</h1>");
            return true;
        };

        await session.AskAsync("Hello");

        await Expect(session.Page.Locator(".fault p")).ToHaveTextAsync("The server answered with the status 502, and did not say why.");
        session.RequireClean();
    }

    [Fact]
    public async Task Loading_Model_IsWaitedFor()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        server.Health = "loading";
        server.Refuse = http => http.Request.Method == "POST" && server.Health == "loading" ? ScriptedServer.RefuseAsync(http, 503, "Loading.") : Task.FromResult(false);
        await session.AskAsync("Hello");
        await Expect(session.Answer).ToHaveTextAsync("The model is being loaded…");
        await Expect(session.Status).ToHaveTextAsync("The model is being loaded.");

        server.Reply("Here I am");
        server.Health = "ok";

        await Expect(session.Answer).ToHaveTextAsync("Here I am");
        session.RequireClean();
    }

    [Fact]
    public async Task Loading_Stop_EndsTheWait()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        server.Health = "loading";
        server.Refuse = http => http.Request.Method == "POST" ? ScriptedServer.RefuseAsync(http, 503, "Loading.") : Task.FromResult(false);
        await session.AskAsync("Hello");
        await Expect(session.Answer).ToHaveTextAsync("The model is being loaded…");

        await session.Button("Stop").ClickAsync();

        await Expect(session.Status).ToHaveTextAsync("Stopped.");
        await Expect(session.Answer).ToHaveTextAsync("No answer was given.");
        session.RequireClean();
    }

    [Fact]
    public async Task Network_Gone_IsSaid()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("Ready");
        await server.StopAsync();

        await session.AskAsync("Hello");

        await Expect(session.Page.Locator(".fault p")).ToHaveTextAsync(
            $"The server at {server.Address.Authority} cannot be reached. It may have been stopped, or the connection is gone.");
        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("The server cannot be reached");
        session.RequireClean();
    }

    [Fact]
    public async Task Stream_ErrorEvent_KeepsWhatCameAndSaysWhy()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await session.AskAsync("Hello");
        server.Say("Half a");
        server.Write("""{"error": {"message": "The reply took longer than 5 s."}}""");

        await Expect(session.Page.Locator(".fault p")).ToHaveTextAsync("The reply took longer than 5 s.");
        await Expect(session.Answer).ToHaveTextAsync("Half a");
        session.RequireClean();
    }

    [Fact]
    public async Task Stream_EndsEarly_IsSaidAndOutlivesAReload()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await session.AskAsync("Hello");
        server.Say("Half a");
        server.Events.Writer.Complete();
        await Expect(session.Page.Locator(".fault p")).ToHaveTextAsync("The connection ended before the reply did.");

        await session.Page.ReloadAsync();

        await Expect(session.Page.Locator(".fault p")).ToHaveTextAsync("The connection ended before the reply did.");
        await Expect(session.Answer).ToHaveTextAsync("Half a");
        session.RequireClean();
    }

    [Fact]
    public async Task Stream_Nonsense_IsSaid()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await session.AskAsync("Hello");
        server.Write("{no");

        await Expect(session.Page.Locator(".fault p")).ToContainTextAsync("The page could not read the reply: ");
        session.RequireClean();
    }
}
