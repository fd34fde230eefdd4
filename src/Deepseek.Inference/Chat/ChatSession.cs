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
public sealed class ChatSession : IDisposable
{
    private readonly TextGenerator _generator;
    private readonly List<ChatMessage> _messages = [];
    private readonly SequenceCache _cache;
    private readonly List<int> _cachedIds = [];

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
    }

    /// <summary>The conversation so far.</summary>
    public IReadOnlyList<ChatMessage> Messages => _messages;

    /// <summary>Messages that were dropped because the conversation outgrew the context.</summary>
    public int Forgotten { get; private set; }

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
        var asked = ChatMessage.User(question);
        var prompt = Fit(asked, options.Generation.MaxNewTokens ?? Math.Min(512, _cache.MaxLength / 4));
        Reuse(prompt.Ids);

        var answer = new StringBuilder();
        var answered = false;
        try
        {
            await foreach (var update in _generator.StreamAsync(prompt, options, _cache, cancellationToken).ConfigureAwait(false))
            {
                if (!answered)
                    _messages.Add(asked);
                answered = true;
                answer.Append(update.Text);
                if (update.Completion is { } completion)
                    _cachedIds.AddRange(completion.Ids.Take(_cache.Length - _cachedIds.Count));
                yield return update;
            }
        }
        finally
        {
            // A reply that was stopped has tokens in the cache whose ids were not kept.
            if (_cache.Length > _cachedIds.Count)
                _cache.Truncate(_cachedIds.Count);
            else
                _cachedIds.RemoveRange(_cache.Length, _cachedIds.Count - _cache.Length);
            if (answered)
                _messages.Add(ChatMessage.Assistant(answer.ToString()));
        }
    }

    /// <inheritdoc />
    public void Dispose() => _cache.Dispose();

    /// <summary>The prompt of the conversation with a question, without the oldest exchanges where it would not fit.</summary>
    private TextPrompt Fit(ChatMessage asked, int reserved)
    {
        var instructions = _messages.TakeWhile(message => message.Role == "system").Count();
        var drop = 0;
        TextPrompt prompt;
        do
        {
            prompt = _generator.Chat([.. _messages.Take(instructions), .. _messages.Skip(instructions + drop), asked]);
            if (prompt.Ids.Count + reserved - 1 <= _cache.MaxLength)
                break;
            drop += 2;
        }
        while (instructions + drop <= _messages.Count);

        drop = Math.Min(drop, _messages.Count - instructions);
        _messages.RemoveRange(instructions, drop);
        Forgotten += drop;
        return prompt;
    }

    /// <summary>Cuts the cache back to what it shares with the prompt; the last token of the prompt is always run.</summary>
    private void Reuse(IReadOnlyList<int> ids)
    {
        var shared = ids.Zip(_cachedIds).TakeWhile(pair => pair.First == pair.Second).Count();
        shared = Math.Min(shared, ids.Count - 1);
        _cache.Truncate(shared);
        _cachedIds.RemoveRange(shared, _cachedIds.Count - shared);
        _cachedIds.AddRange(ids.Skip(shared));
    }
}
