using System.Text.Json;
using Deepseek.Inference.Server.Tests.Page.Support;
using static Microsoft.Playwright.Assertions;

namespace Deepseek.Inference.Server.Tests.Page;

[Collection(BrowserGroup.Name)]
public sealed class PageSettingsTests(Browser browser)
{
    /// <summary>Ids of fields, texts that are wrong there, and what is said of them.</summary>
    public static TheoryData<string, string, string> Wrong => new()
    {
        { "temperature", "3", "Temperature is 3; it must be a number from 0 to 2, or empty." },
        { "temperature", "-1", "Temperature is -1; it must be a number from 0 to 2, or empty." },
        { "temperature", "hot", "Temperature is hot; it must be a number from 0 to 2, or empty." },
        { "temperature", "0x1", "Temperature is 0x1; it must be a number from 0 to 2, or empty." },
        { "topP", "1.5", "Top-p is 1.5; it must be a number from 0 to 1, or empty." },
        { "maxTokens", "0", "Longest reply is 0; it must be a whole number, 1 or more, or empty." },
        { "maxTokens", "1.5", "Longest reply is 1.5; it must be a whole number, 1 or more, or empty." },
        { "seed", "9007199254740993", "Seed is 9007199254740993; it must be a whole number of at most 15 digits, or empty." },
        { "key", "two words", "The API key has a space, or a character that no key has; copy it again." },
    };

    [Fact]
    public async Task Send_AllSettings_AreInTheRequest()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await session.SetAsync(("Instructions", "Be brief."), ("Temperature", "0.5"), ("Top-p", ".9"), ("Longest reply", "77"), ("Seed", "-5"));
        await session.Button("Settings").ClickAsync();
        await session.Page.GetByLabel("Think before answering").UncheckAsync();
        await session.Button("Save").ClickAsync();
        server.Reply("Yes");

        await session.AskAsync("Hello");
        await session.CompleteAsync();

        const string Expected = """
            {"model":"scripted","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}],"temperature":0.5,"top_p":0.9,"max_tokens":77,"seed":-5,
             "reasoning_effort":"none","stream":true,"stream_options":{"include_usage":true} }
            """;
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(Expected), Assert.Single(server.Requests)), server.Requests.First().GetRawText());
        session.RequireClean();
    }

    [Fact]
    public async Task Send_Defaults_LeaveTheModelItsOwn()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        server.Reply("Yes");

        await session.AskAsync("Hello");
        await session.CompleteAsync();

        Assert.Equal(["model", "messages", "stream", "stream_options"], Assert.Single(server.Requests).EnumerateObject().Select(member => member.Name));
        session.RequireClean();
    }

    [Fact]
    public async Task Save_WrongValue_IsSaidAndNothingIsSaved()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        foreach (var (field, text, message) in Wrong.Select(row => row.Data))
        {
            await session.Button("Settings").ClickAsync();
            var input = session.Page.Locator($"#{field}");
            await input.FillAsync(text);
            await session.Button("Save").ClickAsync();

            await Expect(session.Page.Locator($"#{field}-fault")).ToHaveTextAsync(message);
            await Expect(input).ToBeFocusedAsync();
            await Expect(input).ToHaveAttributeAsync("aria-invalid", "true");
            await session.Button("Cancel").ClickAsync();
        }

        await session.Button("Settings").ClickAsync();
        await Expect(session.Page.Locator("#temperature")).ToHaveValueAsync("");
        Assert.Null(await session.Page.EvaluateAsync<string?>("() => localStorage.getItem('deepseek.settings')"));
        session.RequireClean();
    }

    [Fact]
    public async Task Reload_Settings_AreKeptAndTheKeyIsKeptApart()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await session.SetAsync(("Temperature", "0.25"), ("API key", "sk-secret"));

        await session.Page.ReloadAsync();

        await session.Button("Settings").ClickAsync();
        await Expect(session.Page.Locator("#temperature")).ToHaveValueAsync("0.25");
        await Expect(session.Page.Locator("#key")).ToHaveValueAsync("sk-secret");
        await Expect(session.Page.Locator("#key")).ToHaveAttributeAsync("type", "password");
        var kept = await session.Page.EvaluateAsync<string>("() => Object.values(localStorage).join()");
        Assert.Contains("0.25", kept, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", kept, StringComparison.Ordinal);
        session.RequireClean();
    }

    [Fact]
    public async Task Load_SpoiledStorage_BeginsWithTheDefaults()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await session.Page.EvaluateAsync("""
            () => {
              localStorage.setItem("deepseek.settings", JSON.stringify({ temperature: "99", topP: 5, seed: "7", other: {} }));
              sessionStorage.setItem("deepseek.conversation", "[{\"role\": \"nobody\"}]");
            }
            """);
        // The page writes what it knows as it goes.
        await session.Page.EvaluateAsync("() => window.addEventListener('pagehide', () => sessionStorage.setItem('deepseek.conversation', '{no'))");

        await session.Page.ReloadAsync();

        await Expect(session.Replies).ToHaveCountAsync(0);
        await session.Button("Settings").ClickAsync();
        await Expect(session.Page.Locator("#temperature")).ToHaveValueAsync("");
        await Expect(session.Page.Locator("#topP")).ToHaveValueAsync("");
        await Expect(session.Page.Locator("#seed")).ToHaveValueAsync("7");
        session.RequireClean();
    }

    [Fact]
    public async Task Defaults_Button_EmptiesAllButTheKey()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        await session.SetAsync(("Instructions", "Be brief."), ("Seed", "5"), ("API key", "sk-1"));

        await session.Button("Settings").ClickAsync();
        await session.Button("Back to the defaults").ClickAsync();

        await Expect(session.Page.Locator("#system")).ToHaveValueAsync("");
        await Expect(session.Page.Locator("#seed")).ToHaveValueAsync("");
        await Expect(session.Page.Locator("#key")).ToHaveValueAsync("sk-1");
        session.RequireClean();
    }
}
