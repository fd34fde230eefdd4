using Deepseek.Inference.Chat;
using Deepseek.Inference.Configuration;

namespace Deepseek.Cli.Terminal;

/// <summary>What a line that begins with a slash does in a chat.</summary>
/// <remarks>What commands say goes to standard error: standard output holds answers alone.</remarks>
internal sealed class ChatCommands(ToolConsole console, TextGenerator generator, ChatSession session) : IDisposable
{
    private static readonly (string Name, string Argument, string What)[] All =
    [
        ("/help", "", "shows this"),
        ("/save", "FILE", "writes the conversation and its cache to a file"),
        ("/load", "FILE", "takes up a conversation that was saved with this model"),
        ("/reset", "", "begins anew with the same instructions"),
        ("/system", "TEXT", "begins anew with other instructions"),
        ("/stats", "", "shows tokens, times and memory"),
        ("/exit", "", "ends the chat, as Ctrl-D does"),
    ];

    /// <summary>The conversation as commands have left it.</summary>
    public ChatSession Session { get; private set; } = session;

    /// <summary>The last reply that came to its end; null before, and after a new beginning.</summary>
    public TextCompletion? Last { get; set; }

    /// <summary>Runs a command.</summary>
    /// <returns>Whether the chat goes on.</returns>
    /// <exception cref="ArgumentException">There is no such command, or it lacks its argument.</exception>
    public async Task<bool> RunAsync(string line, CancellationToken cancellationToken)
    {
        var space = line.AsSpan().IndexOfAny(" \t");
        var (name, argument) = space < 0 ? (line, "") : (line[..space], line[space..].Trim());
        var (_, expected, what) = All.FirstOrDefault(one => one.Name == name);
        if (what is null)
            throw new ArgumentException($"'{name}' is no command; /help shows them. A question that begins with a slash is written with two.");
        if (expected.Length > 0 != argument.Length > 0)
            throw new ArgumentException(expected.Length > 0 ? $"{name} needs its {expected}: {name} {expected} {what}." : $"{name} takes nothing, and '{argument}' was given.");

        switch (name)
        {
            case "/help": await HelpAsync().ConfigureAwait(false); break;
            case "/save": await SaveAsync(ExpandHome(argument), cancellationToken).ConfigureAwait(false); break;
            case "/load": await LoadAsync(ExpandHome(argument), cancellationToken).ConfigureAwait(false); break;
            case "/reset": await ResetAsync().ConfigureAwait(false); break;
            case "/system": await BeginAsync(argument).ConfigureAwait(false); break;
            case "/stats": await StatsAsync().ConfigureAwait(false); break;
            default: return false;
        }

        return true;
    }

    /// <summary>Writes the conversation to a file, and says so.</summary>
    public async Task SaveAsync(string path, CancellationToken cancellationToken)
    {
        OutputFile.RequireWritable(path, option: null);
        await Session.SaveAsync(path, cancellationToken).ConfigureAwait(false);
        await NoteAsync($"({Session.Messages.Count} messages saved to {PrintableText.Line(path)}, {MemorySize.Format(new FileInfo(path).Length)})").ConfigureAwait(false);
    }

    public void Dispose() => Session.Dispose();

    private async Task LoadAsync(string path, CancellationToken cancellationToken)
    {
        Replace(await ChatSession.LoadAsync(generator, path, cancellationToken).ConfigureAwait(false));
        await NoteAsync(FormattableString.Invariant($"({Session.Messages.Count} messages, {Session.CachedTokens} tokens; the conversation goes on.)")).ConfigureAwait(false);
    }

    private Task ResetAsync()
    {
        Session.Reset();
        Last = null;
        return NoteAsync("(The conversation begins anew.)");
    }

    private Task BeginAsync(string instructions)
    {
        Replace(new ChatSession(generator, instructions));
        return NoteAsync("(The conversation begins anew with these instructions.)");
    }

    private void Replace(ChatSession session)
    {
        Session.Dispose();
        (Session, Last) = (session, null);
    }

    private async Task HelpAsync()
    {
        foreach (var (name, argument, what) in All)
            await NoteAsync($"  {name + " " + argument,-16}{what}").ConfigureAwait(false);
        await NoteAsync("A question that begins with a slash is written with two: //. A line that ends in \\ goes on in the next one; \"\"\" begins and ends a block of lines.").ConfigureAwait(false);
    }

    private async Task StatsAsync()
    {
        var forgotten = Session.Forgotten > 0 ? FormattableString.Invariant($", {Session.Forgotten} forgotten") : "";
        await RowAsync("conversation", FormattableString.Invariant($"{Last?.Usage.Total ?? Session.CachedTokens} of {generator.Model.Config.MaxPositions} tokens, {Session.Messages.Count} messages{forgotten}")).ConfigureAwait(false);
        await RowAsync("cache", FormattableString.Invariant($"{Session.CachedTokens} tokens, {MemorySize.Format(Session.CacheBytes)}")).ConfigureAwait(false);
        if (Last is { } reply)
        {
            await RowAsync("last prompt", FormattableString.Invariant($"{reply.Usage.Prompt} tokens, {reply.Usage.Cached} of them cached")).ConfigureAwait(false);
            await RowAsync("first token", FormattableString.Invariant($"after {reply.Timings.FirstToken.TotalMilliseconds:0} ms")).ConfigureAwait(false);
            await RowAsync("last reply", FormattableString.Invariant($"{reply.Usage.Completion} tokens, {reply.Timings.TokensPerSecond:0.0} tokens/s")).ConfigureAwait(false);
        }

        if (generator.Model.Paging is { } paging)
            await RowAsync("paging", FormattableString.Invariant($"{paging.HitRate:0.0%} of {paging.Hits + paging.Misses} demands hit, {paging.FilledSlots} of {paging.Experts} experts in memory, {paging.ReadBytes / 1e9:0.00} GB read")).ConfigureAwait(false);
    }

    private Task RowAsync(string name, string value) => NoteAsync($"  {name,-14}{value}");

    private Task NoteAsync(string note) => console.Error.WriteLineAsync(note);

    /// <summary>What a shell does with ~ no shell does here.</summary>
    private static string ExpandHome(string path) => path.StartsWith("~/", StringComparison.Ordinal)
        ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[2..])
        : path;
}
