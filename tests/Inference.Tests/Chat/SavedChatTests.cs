using System.Text;
using System.Text.Json;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Store;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat;

public sealed class SavedChatTests(Nano nano)
{
    private static readonly TextOptions Greedy = new() { Generation = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 60 } };

    [Fact]
    public async Task LoadAsync_SavedConversation_GoesOnAsItWouldHave()
    {
        using TemporaryFolder folder = new();
        using var session = new ChatSession(nano.Generator, "Be brief.");
        await Replies.Last(session.AskAsync("What is 8 + 5?", Greedy));
        await session.SaveAsync(folder.File("chat"), TestContext.Current.CancellationToken);

        using var loaded = await ChatSession.LoadAsync(nano.Generator, folder.File("chat"), TestContext.Current.CancellationToken);

        Assert.Equal(session.Messages, loaded.Messages);
        Assert.Equal((session.CachedTokens, session.Forgotten), (loaded.CachedTokens, loaded.Forgotten));
        var (expected, actual) = (await Replies.Last(session.AskAsync("What is the capital of France?", Greedy)), await Replies.Last(loaded.AskAsync("What is the capital of France?", Greedy)));
        Assert.Equal(expected.Ids, actual.Ids);
        Assert.Equal(expected.Usage, actual.Usage);
        Assert.True(actual.Usage.Cached > 0);
        Assert.Equal([folder.File("chat")], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task LoadAsync_ConversationThatForgot_KeepsCountAndInstructions()
    {
        using TemporaryFolder folder = new();
        using var session = new ChatSession(nano.Generator, "Be brief.");
        var brief = Greedy with { Generation = Greedy.Generation with { MaxNewTokens = 4 } };
        for (var i = 0; i < 4; i++)
            await Replies.Last(session.AskAsync(string.Concat(Enumerable.Repeat("king ", 700)), brief));
        await session.SaveAsync(folder.File("chat"), TestContext.Current.CancellationToken);

        using var loaded = await ChatSession.LoadAsync(nano.Generator, folder.File("chat"), TestContext.Current.CancellationToken);
        Assert.True(loaded.Forgotten > 0);
        Assert.Equal(session.Forgotten, loaded.Forgotten);
        loaded.Reset();

        Assert.Equal([ChatMessage.System("Be brief.")], loaded.Messages);
    }

    [Fact]
    public void Conversation_EveryFieldOfMessages_IsKept()
    {
        using var tools = JsonDocument.Parse("""[{"type": "function", "function": {"name": "f", "arguments": {"a": [1, 2.50, null, "é\u0000\ud83d\ude00"]}}}]""");
        ChatMessage[] messages =
        [
            ChatMessage.System("a\nb \"c\" </think>"), new ChatMessage("assistant", null) { ReasoningContent = "", ToolCalls = tools.RootElement, Name = null },
            new ChatMessage("tool", "x") { ToolCallId = "1", Extra = new Dictionary<string, JsonElement> { ["prefix"] = tools.RootElement[0] } },
            ChatMessage.ParseMessages("""[{"content": [{"type": "text", "text": "Hello"}], "role": "user"}]""")[0],
        ];

        var read = Conversation.Read(new ChecksumStream(new MemoryStream(Written(new Conversation(messages, 1, 6)))));

        Assert.Equal(messages, read.Messages);
        Assert.Equal((1, 6), (read.Instructions, read.Forgotten));
        Assert.Equal("content", JsonSerializer.Deserialize<JsonElement>(Json(read.Messages[3])).EnumerateObject().First().Name); // in their order
    }

    [Fact]
    public async Task Reset_AfterAQuestion_KeepsInstructionsAloneAndTheirTokens()
    {
        using var session = new ChatSession(nano.Generator, "Be brief and say nothing twice.");
        using var fresh = new ChatSession(nano.Generator, "Be brief and say nothing twice.");
        await Replies.Last(session.AskAsync("What is 8 + 5?", Greedy));
        var before = session.CachedTokens;

        session.Reset();

        Assert.Equal([ChatMessage.System("Be brief and say nothing twice.")], session.Messages);
        Assert.InRange(session.CachedTokens, 1, before - 1);
        var (expected, actual) = (await Replies.Last(fresh.AskAsync("What is 1 + 1?", Greedy)), await Replies.Last(session.AskAsync("What is 1 + 1?", Greedy)));
        Assert.Equal(expected.Ids, actual.Ids);
        Assert.True(actual.Usage.Cached > 0);
        Assert.True(session.CacheBytes > 0);
    }

    [Fact]
    public async Task LoadAsync_AnyByteFlippedOrCutShort_IsRefused()
    {
        using TemporaryFolder folder = new();
        var saved = await SmallAsync(folder);
        var step = Math.Max(1, saved.Length / 500); // every byte of a smaller cache is flipped in its own tests
        for (var i = 0; i < saved.Length; i += i < 600 ? 1 : step)
        {
            byte[] damaged = [.. saved];
            damaged[i] ^= 1;
            await AssertRefusedAsync(folder, damaged);
            await AssertRefusedAsync(folder, saved[..i]);
        }
    }

    [Fact]
    public async Task LoadAsync_BytesBehind_AreNamed()
    {
        using TemporaryFolder folder = new();
        var saved = await SmallAsync(folder);

        var fault = await AssertRefusedAsync(folder, [.. saved, 1, 2, 3]);

        Assert.Equal($"{folder.File("chat")}: 3 bytes follow the conversation; it must end there. It is damaged: take another copy.", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_AnotherFile_IsToldApart()
    {
        using TemporaryFolder folder = new();

        var fault = await AssertRefusedAsync(folder, [.. "[Desktop Entry]"u8]);

        Assert.Equal($"{folder.File("chat")}: it begins with \"[Desktop\"; a saved conversation begins with \"DSEQCHAT\". Give a file that a chat has saved.", fault.Message);
        Assert.Equal(folder.File("chat"), fault.File);
    }

    [Fact]
    public async Task LoadAsync_AnotherVersionOrLength_IsNamed()
    {
        using TemporaryFolder folder = new();
        var saved = await SmallAsync(folder);

        var version = await AssertRefusedAsync(folder, [.. saved[..8], 9, .. saved[9..]]);
        var length = await AssertRefusedAsync(folder, [.. saved[..12], 255, 255, 255, 127, .. saved[16..]]);
        var shorter = await AssertRefusedAsync(folder, [.. saved[..12], 0, 0, 0, 4, .. saved[16..]]);

        Assert.Equal($"{folder.File("chat")}: the conversation is of version 9; this library reads version 1. Use the version of Deepseek.Inference that wrote it.", version.Message);
        Assert.Equal($"{folder.File("chat")}: it states 2147483647 bytes of messages; they must be 0 to 67108864. It is damaged: take another copy.", length.Message);
        Assert.Contains("bytes too early", shorter.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "its messages cannot be read: ")]
    [InlineData("{\"messages\": [], \"forgotten\": 0}", "its messages cannot be read: ")]
    [InlineData("{\"messages\": [{}], \"forgotten\": 0, \"instructions\": 0}", "its messages cannot be read: message.role is missing; it must be a string such as user. It is damaged: take another copy.")]
    [InlineData("{\"messages\": [1], \"forgotten\": 0, \"instructions\": 0}", "its messages cannot be read: message is a number;")]
    [InlineData("{\"messages\": [], \"forgotten\": 1e99, \"instructions\": 0}", "its messages cannot be read: ")]
    [InlineData("{\"messages\": [], \"forgotten\": -1, \"instructions\": 0}", "it states 0 instructions among 0 messages, and -1 forgotten ones. It is damaged: take another copy.")]
    [InlineData("{\"messages\": [], \"forgotten\": 0, \"instructions\": 1}", "it states 1 instructions among 0 messages, and 0 forgotten ones. It is damaged: take another copy.")]
    [InlineData("{\"messages\": [], \"forgotten\": 0, \"instructions\": -1}", "it states -1 instructions among 0 messages")]
    [InlineData("{", "its messages cannot be read: ")]
    public void Conversation_HostileJson_IsRefused(string json, string message)
    {
        using MemoryStream stream = new();
        var to = new ChecksumStream(stream);
        to.Write([.. "DSEQCHAT"u8, 1, 0, 0, 0, (byte)json.Length, 0, 0, 0]);
        to.Write(Encoding.UTF8.GetBytes(json));
        to.WriteChecksum();
        stream.Position = 0;

        var fault = Assert.Throws<CacheFormatException>(() => Conversation.Read(new ChecksumStream(stream)));

        Assert.StartsWith("the stream: " + message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_NoFileOrAFolder_SaysSo()
    {
        using TemporaryFolder folder = new();

        var absent = await Assert.ThrowsAsync<FileNotFoundException>(() => ChatSession.LoadAsync(nano.Generator, folder.File("a")));
        var directory = await Assert.ThrowsAsync<IOException>(() => ChatSession.LoadAsync(nano.Generator, folder.Path));

        Assert.Equal($"There is no file {folder.File("a")}; check the path.", absent.Message);
        Assert.Equal($"{folder.Path} is a folder; name the file of a saved conversation.", directory.Message);
        await Assert.ThrowsAsync<ArgumentNullException>(() => ChatSession.LoadAsync(null!, "a"));
        await Assert.ThrowsAsync<ArgumentException>(() => ChatSession.LoadAsync(nano.Generator, " "));
    }

    [Fact]
    public async Task SaveAsync_ThatFails_LeavesTheOldFile()
    {
        using TemporaryFolder folder = new();
        var saved = await SmallAsync(folder);
        var session = new ChatSession(nano.Generator);
        session.Dispose(); // its cache can no longer be written, though the messages before it were

        await Assert.ThrowsAsync<ObjectDisposedException>(() => session.SaveAsync(folder.File("chat"), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<ArgumentException>(() => session.SaveAsync(""));

        Assert.Equal(saved, await File.ReadAllBytesAsync(folder.File("chat"), TestContext.Current.CancellationToken));
        Assert.Equal([folder.File("chat")], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task SaveAsync_FullDisk_LeavesTheOldFileAlone()
    {
        using SmallDisk disk = new(1 << 20);
        await File.WriteAllTextAsync(disk.File("chat"), "old", TestContext.Current.CancellationToken);
        using var session = new ChatSession(nano.Generator);
        await Replies.Last(session.AskAsync("What is 8 + 5?", Greedy));
        disk.Fill(20_000);

        await Assert.ThrowsAsync<IOException>(() => session.SaveAsync(disk.File("chat"), TestContext.Current.CancellationToken));

        Assert.Equal("old", await File.ReadAllTextAsync(disk.File("chat"), TestContext.Current.CancellationToken));
        Assert.False(File.Exists(disk.File("chat.partial")));
        disk.Empty();
        await session.SaveAsync(disk.File("chat"), TestContext.Current.CancellationToken); // as if nothing had been
        using var loaded = await ChatSession.LoadAsync(nano.Generator, disk.File("chat"), TestContext.Current.CancellationToken);
        Assert.Equal(session.Messages, loaded.Messages);
    }

    [Fact]
    public void WholeFile_BeforeItIsComplete_LeavesTheOldFileInItsPlace()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("a"), "old");

        using (WholeFile file = new(folder.File("a")))
        {
            file.Content.Write("new"u8);
            file.Content.Flush();
            Assert.Equal("old", File.ReadAllText(folder.File("a"))); // what a kill at this moment leaves
            file.Complete();
        }

        Assert.Equal("new", File.ReadAllText(folder.File("a")));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    private async Task<byte[]> SmallAsync(TemporaryFolder folder)
    {
        using var session = new ChatSession(nano.Generator);
        await Replies.Last(session.AskAsync("Hi", Greedy with { Generation = Greedy.Generation with { MaxNewTokens = 1 } }));
        await session.SaveAsync(folder.File("chat"), TestContext.Current.CancellationToken);
        return await File.ReadAllBytesAsync(folder.File("chat"), TestContext.Current.CancellationToken);
    }

    private async Task<CacheFormatException> AssertRefusedAsync(TemporaryFolder folder, byte[] bytes)
    {
        await File.WriteAllBytesAsync(folder.File("chat"), bytes, TestContext.Current.CancellationToken);
        return await Assert.ThrowsAsync<CacheFormatException>(() => ChatSession.LoadAsync(nano.Generator, folder.File("chat"), TestContext.Current.CancellationToken));
    }

    private static byte[] Written(Conversation conversation)
    {
        using MemoryStream stream = new();
        conversation.Write(new ChecksumStream(stream));
        return stream.ToArray();
    }

    private static string Json(ChatMessage message)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
            message.Write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
