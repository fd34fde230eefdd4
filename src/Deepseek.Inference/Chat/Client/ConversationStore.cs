using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>The messages of conversations by their names. Of too many the least recently used are forgotten.</summary>
internal sealed class ConversationStore(int capacity)
{
    private readonly Lock _lock = new();
    private readonly OrderedDictionary<string, Entry> _entries = new(StringComparer.Ordinal); // used last comes last

    /// <summary>Waits until nobody else is in the conversation; a name that is not known begins one.</summary>
    public async Task<Lease> EnterAsync(string id, CancellationToken cancellationToken)
    {
        Entry? entry;
        lock (_lock)
        {
            if (!_entries.Remove(id, out entry))
                entry = new Entry();
            _entries.Add(id, entry);
            entry.Waiting++;
            for (var i = 0; _entries.Count > capacity && i < _entries.Count - 1;)
            {
                if (_entries.GetAt(i).Value.Waiting == 0)
                    _entries.RemoveAt(i);
                else
                    i++; // somebody is in it
            }
        }

        try
        {
            await entry.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
            return new Lease(this, entry);
        }
        catch
        {
            lock (_lock)
                entry.Waiting--;
            throw;
        }
    }

    private sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public IReadOnlyList<ChatMessage> Messages { get; set; } = [];

        public int Waiting { get; set; } // those in it, too
    }

    /// <summary>A conversation while somebody is in it.</summary>
    internal sealed class Lease : IDisposable
    {
        private readonly ConversationStore _store;
        private readonly Entry _entry;

        internal Lease(object store, object entry) => (_store, _entry) = ((ConversationStore)store, (Entry)entry);

        /// <summary>The conversation with what is said now, which may repeat it from its beginning.</summary>
        public IReadOnlyList<ChatMessage> With(IReadOnlyList<ChatMessage> messages)
        {
            var known = _entry.Messages;
            var repeats = known.Count > 0 && messages.Count > known.Count && known.Zip(messages).All(pair => IsSame(pair.First, pair.Second));
            return repeats ? messages : [.. known, .. messages];
        }

        /// <summary>Remembers the conversation.</summary>
        public void Keep(IReadOnlyList<ChatMessage> messages) => _entry.Messages = messages;

        public void Dispose()
        {
            _entry.Gate.Release();
            lock (_store._lock)
                _entry.Waiting--;
        }

        // A caller need not repeat what the model thought.
        private static bool IsSame(ChatMessage known, ChatMessage message) => known.Role == message.Role && known.Content == message.Content && known.ToolCallId == message.ToolCallId;
    }
}
