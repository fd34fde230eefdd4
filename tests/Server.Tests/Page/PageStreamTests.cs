using Deepseek.Inference.Server.Tests.Page.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Deepseek.Inference.Server.Tests.Page;

/// <summary>What the page shows and sends while a reply comes, piece by piece.</summary>
[Collection(BrowserGroup.Name)]
public sealed class PageStreamTests(Browser browser) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private ScriptedServer? _server;
    private PageSession? _session;

    private ScriptedServer Server => _server!;

    private PageSession Session => _session!;

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        _session = await browser.OpenAsync(_server.Address);
    }

    public async ValueTask DisposeAsync()
    {
        if (_session is not null)
            await _session.DisposeAsync();
        await _server!.DisposeAsync();
    }

    [Fact]
    public async Task Stream_Pieces_AreShownAsTheyCome()
    {
        await Session.AskAsync("Hello");
        await Expect(Session.Status).ToHaveTextAsync("Waiting for the reply.");
        Server.Think("First ");
        await Expect(Session.Thinking.Locator("summary")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^Thinking…"));
        await Expect(Session.Status).ToHaveTextAsync("Thinking.");
        Server.Think("this.");
        Server.Say("# Title\n\nOne **bold");
        await Expect(Session.Answer).ToHaveTextAsync("TitleOne **bold");
        await Expect(Session.Status).ToHaveTextAsync("Answering.");
        Server.Say("** word");
        await Expect(Session.Answer.Locator("strong")).ToHaveTextAsync("bold");
        Server.Finish(tokens: 9, thoughts: 4);

        Assert.Equal("Title\n\nOne bold word", await Session.CompleteAsync());
        Assert.Equal("First this.", await Session.Thinking.Locator(".thought").TextContentAsync());
        Session.RequireClean();
    }

    [Fact]
    public async Task Stream_ThoughtsUnfolded_StayUnfolded()
    {
        await Session.AskAsync("Hello");
        Server.Think("First this. ");
        await Session.Thinking.Locator("summary").ClickAsync();
        Server.Think("Then that.");
        await Expect(Session.Thinking.Locator(".thought")).ToHaveTextAsync("First this. Then that.");
        Server.Reply("Done");

        await Session.CompleteAsync();

        await Expect(Session.Thinking.Locator(".thought")).ToBeVisibleAsync();
        Session.RequireClean();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stop_ButtonOrEscape_EndsTheRequestAndKeepsWhatCame(bool byKeyboard)
    {
        await Session.AskAsync("Hello");
        Server.Say("Half a");
        await Expect(Session.Answer).ToHaveTextAsync("Half a");

        if (byKeyboard)
            await Session.Page.Keyboard.PressAsync("Escape");
        else
            await Session.Button("Stop").ClickAsync();

        await Server.Gone.Task.WaitAsync(Patience);
        await Expect(Session.Status).ToHaveTextAsync("Stopped.");
        await Expect(Session.Answer).ToHaveTextAsync("Half a");
        await Expect(Session.Page.Locator(".facts")).ToContainTextAsync("stopped");
        await Expect(Session.Button("Send")).ToBeVisibleAsync();
        await Expect(Session.Question).ToBeFocusedAsync();
        Session.RequireClean();
    }

    [Fact]
    public async Task Retry_Reply_IsReplacedByTheNext()
    {
        Server.Reply("One");
        await Session.AskAsync("Hello");
        await Session.CompleteAsync();
        Server.Reply("Two");

        await Session.Button("Try again").ClickAsync();

        await Expect(Session.Answer).ToHaveTextAsync("Two");
        await Expect(Session.Replies).ToHaveCountAsync(1);
        var requests = Server.Requests.Select(request => request.GetProperty("messages").GetRawText()).ToList();
        Assert.Equal(2, requests.Count);
        Assert.Equal(requests[0], requests[1]);
        Session.RequireClean();
    }

    [Fact]
    public async Task Edit_LastQuestion_ReplacesItAndItsReply()
    {
        Server.Reply("One");
        await Session.AskAsync("First");
        await Session.CompleteAsync();
        Server.Reply("Two");
        await Session.AskAsync("Secnod");
        await Expect(Session.Answer).ToHaveTextAsync("Two");
        await Session.CompleteAsync();

        await Session.Button("Edit").ClickAsync();
        await Expect(Session.Question).ToHaveValueAsync("Secnod");
        Server.Reply("Three");
        await Session.AskAsync("Second");

        await Expect(Session.Answer).ToHaveTextAsync("Three");
        Assert.Equal(["First", "Second"], await Session.Page.Locator(".question .bubble").AllTextContentsAsync());
        var said = Server.Requests.Last().GetProperty("messages").EnumerateArray().Select(message => $"{message.GetProperty("role")}: {message.GetProperty("content")}");
        Assert.Equal(["user: First", "assistant: One", "user: Second"], said);
        Session.RequireClean();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Edit_Cancelled_KeepsTheQuestionAndTheDraft(bool byKeyboard)
    {
        Server.Reply("One");
        await Session.AskAsync("First");
        await Session.CompleteAsync();
        await Session.Question.FillAsync("draft");

        await Session.Button("Edit").ClickAsync();
        if (byKeyboard)
            await Session.Page.Keyboard.PressAsync("Escape");
        else
            await Session.Button("Keep it").ClickAsync();

        await Expect(Session.Question).ToHaveValueAsync("draft");
        await Expect(Session.Button("Keep it")).ToBeHiddenAsync();
        Server.Reply("Two");
        await Session.Question.PressAsync("Enter");
        await Expect(Session.Replies).ToHaveCountAsync(2);
        Session.RequireClean();
    }

    [Fact]
    public async Task NewChat_Conversation_IsForgotten()
    {
        Server.Reply("One");
        await Session.AskAsync("First");
        await Session.CompleteAsync();

        await Session.Button("New chat").ClickAsync();

        await Expect(Session.Replies).ToHaveCountAsync(0);
        await Expect(Session.Page.GetByText("What would you like to ask?")).ToBeVisibleAsync();
        await Session.Page.ReloadAsync();
        await Expect(Session.Replies).ToHaveCountAsync(0);
        Server.Reply("Two");
        await Session.AskAsync("Second");
        await Session.CompleteAsync();
        Assert.Equal(1, Server.Requests.Last().GetProperty("messages").GetArrayLength());
        Session.RequireClean();
    }

    [Fact]
    public async Task Reload_WhileAReplyComes_KeepsWhatCame()
    {
        await Session.AskAsync("Hello");
        Server.Say("Half a");
        await Expect(Session.Answer).ToHaveTextAsync("Half a");

        await Session.Page.ReloadAsync();

        await Expect(Session.Answer).ToHaveTextAsync("Half a");
        await Expect(Session.Page.Locator(".facts")).ToContainTextAsync("interrupted");
        Session.RequireClean();
    }

    [Fact]
    public async Task Copy_Reply_GivesItsMarkdown()
    {
        await Session.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        Server.Reply("Some **bold** text");
        await Session.AskAsync("Hello");
        await Session.CompleteAsync();

        await Session.Button("Copy").ClickAsync();

        await Expect(Session.Button("Copied")).ToBeVisibleAsync();
        Assert.Equal("Some **bold** text", await Session.Page.EvaluateAsync<string>("() => navigator.clipboard.readText()"));
        Session.RequireClean();
    }

    [Fact]
    public async Task Copy_Code_GivesItAlone()
    {
        await Session.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        Server.Reply("Run:\n\n```sh\nls -l\n```");
        await Session.AskAsync("Hello");
        await Session.CompleteAsync();

        await Session.Page.Locator(".code").GetByRole(AriaRole.Button).ClickAsync();

        await Expect(Session.Button("Copied")).ToBeVisibleAsync();
        Assert.Equal("ls -l", await Session.Page.EvaluateAsync<string>("() => navigator.clipboard.readText()"));
        Session.RequireClean();
    }

    [Fact]
    public async Task Example_Click_AsksIt()
    {
        Server.Reply("579");

        await Session.Button("What is 123 + 456?").ClickAsync();
        await Session.CompleteAsync();

        var message = Assert.Single(Server.Requests).GetProperty("messages")[0];
        Assert.Equal("What is 123 + 456?", message.GetProperty("content").GetString());
        Session.RequireClean();
    }
}
