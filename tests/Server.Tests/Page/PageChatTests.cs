using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Server.Tests.Page.Support;
using Deepseek.Inference.Tokenization;
using static Microsoft.Playwright.Assertions;

namespace Deepseek.Inference.Server.Tests.Page;

/// <summary>The page before the embedded model.</summary>
[Collection(BrowserGroup.Name)]
public sealed class PageChatTests(ServerFixture fixture, Browser browser)
{
    private const string Sum = "What is 123 + 456?";

    private Uri Address => fixture.Server.Client.BaseAddress!;

    [Fact]
    public async Task Ask_TemperatureAndSeed_ShowsWhatTheGeneratorGives()
    {
        await using var session = await browser.OpenAsync(Address);
        await session.SetAsync(("Temperature", "0.8"), ("Seed", "17"), ("Longest reply", "120"));

        await session.AskAsync(Sum);
        var shown = await session.CompleteAsync();

        var alone = await AloneAsync([ChatMessage.User(Sum)], new SamplingOptions { Temperature = 0.8, Seed = 17 }, 120);
        Assert.Equal(alone.Text!.Trim(), shown.Trim());
        Assert.Equal(alone.Reasoning, await session.Thinking.Locator(".thought").TextContentAsync());
        session.RequireClean();
    }

    [Fact]
    public async Task Ask_SecondQuestion_CarriesTheFirstAndItsAnswer()
    {
        await using var session = await browser.OpenAsync(Address);
        await session.SetAsync(("Temperature", "0"));

        await session.AskAsync(Sum);
        var first = (await session.CompleteAsync()).Trim();
        await session.AskAsync("Reverse the word march.");
        await Expect(session.Replies).ToHaveCountAsync(2);
        var second = (await session.CompleteAsync()).Trim();

        var alone = await AloneAsync([ChatMessage.User(Sum), ChatMessage.Assistant(first), ChatMessage.User("Reverse the word march.")], new SamplingOptions { Temperature = 0 }, null);
        Assert.Equal(alone.Text!.Trim(), second);
        session.RequireClean();
    }

    [Fact]
    public async Task Ask_Thoughts_AreFoldedAndCounted()
    {
        await using var session = await browser.OpenAsync(Address);
        await session.SetAsync(("Temperature", "0"));

        await session.AskAsync(Sum);
        await session.CompleteAsync();

        var usage = (await fixture.Server.ChatAsync(Sum, "\"temperature\": 0")).GetProperty("usage");
        var thoughts = usage.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32();
        Assert.Null(await session.Thinking.GetAttributeAsync("open"));
        await Expect(session.Thinking.Locator(".thought")).ToBeHiddenAsync();
        await Expect(session.Thinking.Locator("summary")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex($@"^Thought for \d+(\.\d)? s · {thoughts} tokens$"));
        await Expect(session.Page.Locator(".facts")).ToContainTextAsync($"{usage.GetProperty("completion_tokens").GetInt32()} tokens · ");
        await session.Thinking.Locator("summary").ClickAsync();
        await Expect(session.Thinking.Locator(".thought")).ToBeVisibleAsync();
        session.RequireClean();
    }

    [Fact]
    public async Task Retry_Seed_GivesTheSameReplyOnce()
    {
        await using var session = await browser.OpenAsync(Address);
        await session.SetAsync(("Temperature", "1"), ("Seed", "3"), ("Longest reply", "40"));
        await session.AskAsync("Once upon a time");
        await Expect(session.Page.Locator(".facts")).ToContainTextAsync("cut at the longest length");
        var first = await session.Page.Locator(".reply").TextContentAsync();
        var thought = await session.Thinking.Locator(".thought").TextContentAsync();

        await session.Button("Try again").ClickAsync();
        await Expect(session.Page.Locator(".facts")).ToContainTextAsync("cut at the longest length");

        Assert.NotNull(first);
        await Expect(session.Replies).ToHaveCountAsync(1);
        Assert.Equal(thought, await session.Thinking.Locator(".thought").TextContentAsync());
        session.RequireClean();
    }

    [Fact]
    public async Task Reload_Conversation_IsStillThere()
    {
        await using var session = await browser.OpenAsync(Address);
        await session.SetAsync(("Temperature", "0"));
        await session.AskAsync(Sum);
        var shown = await session.CompleteAsync();
        var facts = await session.Page.Locator(".facts").TextContentAsync();

        await session.Page.ReloadAsync();

        await Expect(session.Page.Locator(".question .bubble")).ToHaveTextAsync(Sum);
        Assert.Equal(shown, await session.Answer.InnerTextAsync());
        Assert.Equal(facts, await session.Page.Locator(".facts").TextContentAsync());
        await session.AskAsync("Reverse the word march.");
        await Expect(session.Replies).ToHaveCountAsync(2);
        await session.CompleteAsync();
        session.RequireClean();
    }

    [Fact]
    public async Task Keyboard_Alone_AsksStopsAndChangesSettings()
    {
        await using var session = await browser.OpenAsync(Address);
        var keyboard = session.Page.Keyboard;
        await Expect(session.Question).ToBeFocusedAsync();

        // Backwards from the question: the examples, then settings.
        for (var presses = 0; presses < 10 && !await IsFocusedAsync("Settings"); presses++)
            await keyboard.PressAsync("Shift+Tab");
        await keyboard.PressAsync("Enter");
        await Expect(session.Page.GetByLabel("Instructions", new() { Exact = true })).ToBeFocusedAsync();
        await keyboard.PressAsync("Tab");
        await keyboard.TypeAsync("0");
        await keyboard.PressAsync("Enter");
        await Expect(session.Button("Settings")).ToBeFocusedAsync();

        await keyboard.PressAsync("Control+/");
        await keyboard.TypeAsync("What is");
        await keyboard.PressAsync("Shift+Enter");
        await keyboard.TypeAsync("1 + 1?");
        await Expect(session.Question).ToHaveValueAsync("What is\n1 + 1?");
        await keyboard.PressAsync("Enter");
        await session.CompleteAsync();

        await Expect(session.Page.Locator(".question .bubble")).ToHaveTextAsync("What is\n1 + 1?");
        await Expect(session.Question).ToBeFocusedAsync();
        session.RequireClean();

        async Task<bool> IsFocusedAsync(string name) => await session.Button(name).EvaluateAsync<bool>("button => button === document.activeElement");
    }

    private async Task<TextCompletion> AloneAsync(ChatMessage[] messages, SamplingOptions sampling, int? most)
    {
        var generator = (await fixture.Server.ServiceAsync()).Generator;
        return await generator.CompleteAsync(generator.Chat(messages), new TextOptions { Generation = new GenerationOptions { MaxNewTokens = most, Sampling = sampling } });
    }
}
