using System.Runtime.CompilerServices;
using System.Text;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>A conversation that keeps its cache: every question costs only its new tokens.</summary>
/// <remarks>
/// Not thread-safe: one reply at a time. A reply that is cancelled stays in the conversation as far as it came. Where the conversation outgrows the
/// context, its oldest exchanges are forgotten, and <see cref="Forgotten"/> counts them.
/// </remarks>
public sealed partial class ChatSession : IDisposable
{
    private readonly TextGenerator _generator;
    private readonly List<ChatMessage> _messages = [];
    private readonly SequenceCache _cache;
    private readonly int _instructions; // messages that are never forgotten

    /// <summary>Begins a conversation.</summary>
    /// <param name="generator">The model; stays the caller's.</param>
    /// <param name="instructions">A system message; null for none.</param>
    public ChatSession(TextGenerator generator, string? instructions = null)
    {
        ArgumentNullException.ThrowIfNull(generator);
        _generator = generator;
        _cache = generator.Model.CreateCache();
        if (!string.IsNullOrEmpty(instructions))
            _messages.Add(ChatMessage.System(instructions));
        _instructions = _messages.Count;
    }

    /// <summary>The conversation so far.</summary>
    public IReadOnlyList<ChatMessage> Messages => _messages;

    /// <summary>Messages that were dropped because the conversation outgrew the context.</summary>
    public int Forgotten { get; private set; }

    /// <summary>Tokens that the cache holds: those of the conversation, but for the last one of a reply. The next question pays for none of them again that its prompt begins with.</summary>
    public int CachedTokens => _cache.Length;

    /// <summary>Bytes that the cache takes.</summary>
    public long CacheBytes => _cache.ByteSize;

    /// <summary>Begins anew with the same instructions: everything that was said is forgotten, in the cache too.</summary>
    public void Reset()
    {
        _messages.RemoveRange(_instructions, _messages.Count - _instructions);
        Forgotten = 0;
        // What any conversation with these instructions begins with need not be read again.
        var begin = _generator.Chat([.. _messages, ChatMessage.User("")]);
        _cache.Truncate(_cache.SharedWith(begin.Ids));
    }

    /// <summary>Asks a question and streams the reply.</summary>
    /// <param name="question">What the user says.</param>
    /// <param name="options">How the reply is generated; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the reply; what has come of it stays in the conversation.</param>
    /// <returns>Updates as text becomes certain; the last one holds the completion.</returns>
    /// <exception cref="ArgumentException">The question alone does not fit the context, or options are at fault; the conversation is then as before.</exception>
    public async IAsyncEnumerable<TextUpdate> AskAsync(
        string question, TextOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(question);
        options ??= new TextOptions();
        options.Validate();
        var asked = ChatMessage.User(question);
        var (prompt, outgrown) = Fit(asked, options.Generation.MaxNewTokens ?? Math.Min(512, _cache.MaxLength / 4));
        _cache.Truncate(Math.Min(_cache.SharedWith(prompt.Ids), Math.Max(0, prompt.Ids.Count - 1))); // the prompt's last token is always run

        var answer = new StringBuilder();
        var answered = false;
        try
        {
            await foreach (var update in _generator.StreamAsync(prompt, options, _cache, cancellationToken).ConfigureAwait(false))
            {
                if (!answered)
                    Enter(asked, outgrown);
                answered = true;
                answer.Append(update.Text);
                yield return update;
            }
        }
        finally
        {
            if (answered)
                _messages.Add(ChatMessage.Assistant(answer.ToString()));
        }
    }

    /// <inheritdoc />
    public void Dispose() => _cache.Dispose();

    /// <summary>The prompt of the conversation with a question, and how many of the oldest messages it leaves out so that it fits.</summary>
    private (TextPrompt Prompt, int Outgrown) Fit(ChatMessage asked, int reserved)
    {
        for (var outgrown = 0; ; outgrown += 2)
        {
            var prompt = _generator.Chat([.. _messages.Take(_instructions), .. _messages.Skip(_instructions + outgrown), asked]);
            if ((long)prompt.Ids.Count + reserved - 1 <= _cache.MaxLength || _instructions + outgrown >= _messages.Count)
                return (prompt, outgrown);
        }
    }

    /// <summary>Makes a question part of the conversation, once its reply has begun.</summary>
    private void Enter(ChatMessage asked, int outgrown)
    {
        _messages.RemoveRange(_instructions, outgrown);
        Forgotten += outgrown;
        _messages.Add(asked);
    }
}
