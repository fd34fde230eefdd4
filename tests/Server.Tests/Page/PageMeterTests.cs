using System.Text.RegularExpressions;
using Deepseek.Inference.Server.Tests.Page.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Deepseek.Inference.Server.Tests.Page;

[Collection(BrowserGroup.Name)]
public sealed class PageMeterTests(Browser browser)
{
    [Fact]
    public async Task Meters_Statistics_AreShownInNumbersAndInWords()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);

        await Expect(session.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(ScriptedServer.Model);
        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("Ready");
        await Expect(Chart(session, "Tokens a second").Locator(".now")).ToHaveTextAsync("12.3");
        await Expect(Chart(session, "Memory").Locator(".now")).ToHaveTextAsync("5.63 GB");
        await Expect(session.Page.GetByRole(AriaRole.Img, new() { Name = "Tokens a second: now 12.3, at most 12.3 of late" })).ToBeVisibleAsync();
        await Expect(session.Page.Locator("#server-facts")).ToHaveTextAsync("Replies3 running, 2 waitingGenerated1,234 tokensCaches89 tokens in 4");
        session.RequireClean();
    }

    [Fact]
    public async Task Meters_ModelThatDoesNotPage_HaveNoExpertHits()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);

        await Expect(Chart(session, "Memory").Locator(".now")).ToHaveTextAsync("5.63 GB");

        await Expect(Chart(session, "Expert hits")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Meters_Paging_ShowsTheHitsSinceTheLastLook()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Paging = """{"hit_rate": 0.5, "hits": 100, "misses": 100}""";
        await using var session = await browser.OpenAsync(server.Address);
        await Expect(Chart(session, "Expert hits").Locator(".now")).ToHaveTextAsync("50.0 %");
        await Expect(Chart(session, "Expert hits").Locator(".line")).ToHaveAttributeAsync("d", new Regex("^M.+L"));

        // 90 of 120 more were hits: 75 %, though it is 59.4 % since the beginning.
        var seen = session.Page.EvaluateAsync("""
            () => new Promise(resolve => new MutationObserver((_, observer) => {
              if ([...document.querySelectorAll(".chart .now")].some(now => now.textContent === "75.0 %")) {
                observer.disconnect();
                resolve();
              }
            }).observe(document.getElementById("charts"), { subtree: true, childList: true, characterData: true }))
            """);
        server.Paging = """{"hit_rate": 0.59375, "hits": 190, "misses": 130}""";
        await seen.WaitAsync(TimeSpan.FromSeconds(60));

        await Expect(Chart(session, "Expert hits").Locator(".now")).ToHaveTextAsync("59.4 %"); // nothing was asked for meanwhile
        session.RequireClean();
    }

    [Fact]
    public async Task Meters_ServerGone_AreToldApartFromAKey()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("Ready");

        server.Refuse = http => ScriptedServer.RefuseAsync(http, 401, "A key.");
        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("An API key is needed");
        server.Refuse = _ => Task.FromResult(false);
        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("Ready");
        await server.StopAsync();

        await Expect(session.Page.Locator("#state")).ToHaveTextAsync("The server cannot be reached");
    }

    private static ILocator Chart(PageSession session, string label) => session.Page.Locator(".chart", new PageLocatorOptions { HasText = label });
}
