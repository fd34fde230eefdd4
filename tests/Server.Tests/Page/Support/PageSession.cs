using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Playwright;

namespace Deepseek.Inference.Server.Tests.Page.Support;

/// <summary>An open page, and what must never happen in one: errors, breaches of its policy, requests to other places.</summary>
internal sealed class PageSession : IAsyncDisposable
{
    private const float Patience = 60_000; // milliseconds; other tests may keep the processors busy

    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentQueue<string> _strangers = new();

    private PageSession(IBrowserContext context, IPage page, Uri address) => (_context, Page, Address) = (context, page, address);

    public IPage Page { get; }

    public Uri Address { get; }

    public ILocator Question => Page.GetByLabel("Your question");

    public ILocator Status => Page.GetByRole(AriaRole.Status);

    public ILocator Replies => Page.Locator(".reply");

    /// <summary>The last reply's answer.</summary>
    public ILocator Answer => Page.Locator(".reply.last .text");

    /// <summary>The last reply's thoughts.</summary>
    public ILocator Thinking => Page.Locator(".reply.last details");

    public static async Task<PageSession> OpenAsync(IBrowserContext context, Uri address)
    {
        context.SetDefaultTimeout(Patience);
        Assertions.SetDefaultExpectTimeout(Patience);
        var page = await context.NewPageAsync();
        var session = new PageSession(context, page, address);
        page.Console += (_, message) =>
        {
            // A refused request is logged by the browser itself, and some tests refuse requests.
            if (message.Type is "error" or "warning" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
                session._errors.Enqueue($"{message.Type}: {message.Text}");
        };
        page.PageError += (_, error) => session._errors.Enqueue(error);
        await context.RouteAsync(url => !url.StartsWith(address.AbsoluteUri, StringComparison.Ordinal), route =>
        {
            session._strangers.Enqueue(route.Request.Url);
            return route.AbortAsync();
        });
        await page.GotoAsync(address.AbsoluteUri);
        return session;
    }

    /// <summary>Writes a question and sends it, by the keyboard.</summary>
    public async Task AskAsync(string question)
    {
        await Question.FillAsync(question);
        await Question.PressAsync("Enter");
    }

    /// <summary>Waits until a reply is complete; returns the answer's text.</summary>
    public async Task<string> CompleteAsync()
    {
        await Assertions.Expect(Status).ToHaveTextAsync("The reply is complete.");
        return await Answer.InnerTextAsync();
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = name, Exact = true });

    /// <summary>Changes settings: labels and texts.</summary>
    public async Task SetAsync(params (string Label, string Text)[] settings)
    {
        await Button("Settings").ClickAsync();
        foreach (var (label, text) in settings)
            await Page.GetByLabel(label, new PageGetByLabelOptions { Exact = true }).FillAsync(text);
        await Button("Save").ClickAsync();
    }

    /// <summary>Calls a function of one of the page's modules; the expression reads it as <c>m</c> and the argument as <c>x</c>.</summary>
    public async Task<JsonElement> CallAsync(string module, string expression, object? argument = null) =>
        (await Page.EvaluateAsync($"async x => {{ const m = await import('/page/{module}'); return {expression}; }}", argument))!.Value;

    /// <summary>Requires that nothing went wrong unseen.</summary>
    public void RequireClean()
    {
        Assert.Empty(_errors);
        Assert.Empty(_strangers);
    }

    public async ValueTask DisposeAsync() => await _context.CloseAsync();
}
