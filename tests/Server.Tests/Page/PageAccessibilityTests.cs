using Deepseek.Inference.Server.Tests.Page.Support;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Deepseek.Inference.Server.Tests.Page;

[Collection(BrowserGroup.Name)]
public sealed class PageAccessibilityTests(Browser browser)
{
    // Every kind of block, long words and wide code among them.
    private const string Reply = """
        # A heading

        Some **bold**, `code`, a [link](https://a.example/) and averyveryveryveryveryveryveryveryveryveryverylongwordwithoutanyspaceinit.

        - one
          1. two

        > quoted

        | Name | Number | Another column | And another |
        | --- | ---: | --- | --- |
        | a | 1 | some longer text | and yet more |

        ```csharp
        var answer = await generator.CompleteAsync(prompt, new TextOptions { Generation = new GenerationOptions { MaxNewTokens = 40 } });
        ```
        """;

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 320)]
    [InlineData(ColorScheme.Dark, 320)]
    public async Task Axe_EveryState_FindsNothing(ColorScheme scheme, int width)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Paging = """{"hit_rate": 0.5, "hits": 1, "misses": 1}""";
        await using var session = await browser.OpenAsync(server.Address, Options(scheme, width));
        await RequireAccessibleAsync(session);

        await session.AskAsync("Hello");
        server.Think("First this, then that.");
        server.Reply(Reply);
        await session.CompleteAsync();
        await session.Thinking.Locator("summary").ClickAsync();
        await RequireAccessibleAsync(session);

        server.Refuse = http => http.Request.Method == "POST" ? ScriptedServer.RefuseAsync(http, 429, "Busy.") : Task.FromResult(false);
        await session.AskAsync("Hello again");
        await Expect(session.Page.Locator(".fault")).ToBeVisibleAsync();
        await RequireAccessibleAsync(session);

        await session.Button("Settings").ClickAsync();
        await session.Page.Locator("#temperature").FillAsync("3");
        await RequireAccessibleAsync(session);
        session.RequireClean();
    }

    [Theory]
    [InlineData(320, 640)]
    [InlineData(640, 400)] // 1,280 by 800 at 200 %
    [InlineData(768, 1024)]
    public async Task Layout_SmallWindow_NeedsNoSidewaysScrolling(int width, int height)
    {
        await using var server = await ScriptedServer.StartAsync();
        var options = Options(ColorScheme.Light, width);
        options.ViewportSize!.Height = height;
        await using var session = await browser.OpenAsync(server.Address, options);
        server.Reply(Reply);
        await session.AskAsync("Averyveryveryveryveryveryveryveryveryveryverylongwordwithoutanyspace");
        await session.CompleteAsync();

        Assert.Equal(width, await session.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        await session.Button("Settings").ClickAsync();
        Assert.True(await session.Page.Locator("#settings").EvaluateAsync<bool>("dialog => dialog.scrollWidth <= dialog.clientWidth"));
        await session.Button("Save").ClickAsync();
        await Expect(session.Page.Locator("#settings")).ToBeHiddenAsync();
        session.RequireClean();
    }

    [Fact]
    public async Task Controls_All_HaveANameAndASizeToHit()
    {
        const string Faults = """
            () => [...document.querySelectorAll("button, input, textarea, summary, a")]
              .filter(control => control.checkVisibility() && !control.classList.contains("skip"))
              .filter(control => (control.type === "checkbox" ? control.parentElement : control).getBoundingClientRect().height < 24 && control.closest(".text a") === null)
              .map(control => control.outerHTML)
            """;
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        server.Think("So");
        server.Reply(Reply);
        await session.AskAsync("Hello");
        await session.CompleteAsync();

        Assert.Empty(await session.Page.EvaluateAsync<string[]>(Faults));
        Assert.DoesNotContain(await session.Page.GetByRole(AriaRole.Button).AllAsync(), button => Name(button).Length == 0);

        static string Name(ILocator button) => button.EvaluateAsync<string>("b => b.ariaLabel || b.textContent.trim()").GetAwaiter().GetResult();
    }

    [Fact]
    public async Task Motion_Reduced_NothingMoves()
    {
        await using var server = await ScriptedServer.StartAsync();
        var options = Options(ColorScheme.Light, 1280);
        options.ReducedMotion = ReducedMotion.Reduce;
        await using var session = await browser.OpenAsync(server.Address, options);
        await session.AskAsync("Hello");
        server.Think("So");
        await Expect(session.Thinking).ToBeVisibleAsync();

        Assert.Equal(0, await session.Page.EvaluateAsync<int>("() => document.getAnimations().length"));
    }

    private static BrowserNewContextOptions Options(ColorScheme scheme, int width) => new() { ColorScheme = scheme, ViewportSize = new ViewportSize { Width = width, Height = 800 } };

    private static async Task RequireAccessibleAsync(PageSession session)
    {
        var found = await session.Page.RunAxe();

        Assert.Empty(found.Violations.SelectMany(violation => violation.Nodes.Select(node => $"{violation.Id}: {violation.Help}: {node.Html}")));
    }
}
