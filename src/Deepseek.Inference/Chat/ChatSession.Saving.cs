using Deepseek.Inference.Caching;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Chat;

// Conversations that outlive the process, with their caches.
public sealed partial class ChatSession
{
    private ChatSession(TextGenerator generator, Conversation conversation, SequenceCache cache)
    {
        (_generator, _cache, _instructions, Forgotten) = (generator, cache, conversation.Instructions, conversation.Forgotten);
        _messages.AddRange(conversation.Messages);
    }

    /// <summary>Writes the conversation and its cache to a file, whole or not at all: what ends the process meanwhile leaves an older file as it was.</summary>
    /// <param name="path">The file; one of that name is replaced.</param>
    /// <param name="cancellationToken">Ends the work before it begins.</param>
    /// <exception cref="ObjectDisposedException">The session, or its model, has been disposed.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var conversation = new Conversation([.. _messages], _instructions, Forgotten);
        return Task.Run(() =>
        {
            using var file = new WholeFile(path);
            conversation.Write(new ChecksumStream(file.Content));
            _cache.Save(file.Content);
            file.Complete();
        }, cancellationToken);
    }

    /// <summary>Takes up a conversation that <see cref="SaveAsync"/> has written; its next reply has the bits that it would have had.</summary>
    /// <param name="generator">The model that the conversation was saved with; stays the caller's.</param>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the work before it begins.</param>
    /// <exception cref="CacheFormatException">It is no saved conversation, damaged, cut short, of another version, or of another model.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static Task<ChatSession> LoadAsync(TextGenerator generator, string path, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(generator);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return Task.Run(() =>
        {
            using var file = OpenSaved(path);
            var conversation = Conversation.Read(new ChecksumStream(file));
            var cache = generator.Model.LoadCache(file);
            if (file.ReadByte() < 0)
                return new ChatSession(generator, conversation, cache);
            cache.Dispose();
            throw new CacheFormatException(file.Name, FormattableString.Invariant($"{file.Length - file.Position + 1} bytes follow the conversation; it must end there. It is damaged: take another copy."));
        }, cancellationToken);
    }

    private static FileStream OpenSaved(string path)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path} is a folder; name the file of a saved conversation.");
        return File.Exists(path)
            ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read)
            : throw new FileNotFoundException($"There is no file {path}; check the path.", path);
    }
}
