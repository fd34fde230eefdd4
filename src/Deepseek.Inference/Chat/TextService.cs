using System.Runtime.CompilerServices;
using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Chat;

/// <summary>Serves texts of several callers at once: they are generated together, and a prompt that begins like an earlier text goes on from its cache.</summary>
/// <remarks>
/// <para>Thread-safe. Every reply is what <see cref="TextGenerator"/> would give alone; see <see cref="ContinuousBatcher"/>.</para>
/// <para>Prompts are rendered and tokenized on the caller's thread, while others decode.</para>
/// </remarks>
public sealed class TextService : IAsyncDisposable
{
    private readonly ContinuousBatcher _batcher;

    /// <summary>Begins to serve.</summary>
    /// <param name="generator">The model with its tokenizer; stays the caller's, and must outlive the service.</param>
    /// <param name="options">How the model is shared out; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    public TextService(TextGenerator generator, BatchingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(generator);
        Generator = generator;
        _batcher = new ContinuousBatcher(generator.Generator, options);
    }

    /// <summary>The model with its tokenizer, which makes prompts.</summary>
    public TextGenerator Generator { get; }

    /// <summary>What is done, and has been done so far.</summary>
    public BatchingStatistics Statistics => _batcher.Statistics;

    /// <summary>Continues a prompt, piece by piece.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="options">How it is continued; null for the defaults.</param>
    /// <param name="conversation">Whose text it is: the cache of an earlier text of the same conversation is cut back and used, not copied. Null for nobody's.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <returns>Updates as text becomes certain; the last one holds the completion.</returns>
    /// <exception cref="Diagnostics.QueueFullException">Too many requests wait.</exception>
    /// <exception cref="ObjectDisposedException">The service has been stopped or disposed.</exception>
    /// <inheritdoc cref="TextGenerator.StreamAsync" path="/exception" />
    public async IAsyncEnumerable<TextUpdate> StreamAsync(
        TextPrompt prompt, TextOptions? options = null, string? conversation = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var (request, reader) = Generator.Request(prompt, options ?? new TextOptions(), null);
        var updates = _batcher.ReadAsync(request, conversation, Read, cancellationToken);
        await foreach (var update in updates.ConfigureAwait(false))
            yield return update;

        // On the thread that generates: the reader is also the rule that looks for stop strings there.
        TextUpdate Read(BatchedSequence sequence, TokenResult token)
        {
            reader.Cached = sequence.CachedTokens;
            return reader.Read(token);
        }
    }

    /// <summary>Continues a prompt to its end.</summary>
    /// <inheritdoc cref="StreamAsync" />
    /// <returns>The whole reply.</returns>
    public async Task<TextCompletion> CompleteAsync(
        TextPrompt prompt, TextOptions? options = null, string? conversation = null, CancellationToken cancellationToken = default)
    {
        TextCompletion? completion = null;
        await foreach (var update in StreamAsync(prompt, options, conversation, cancellationToken).ConfigureAwait(false))
            completion = update.Completion;
        return completion!;
    }

    /// <summary>Refuses further requests, and waits for the replies under way.</summary>
    /// <param name="cancellationToken">Ends the wait; the replies go on until the service is disposed.</param>
    public Task StopAsync(CancellationToken cancellationToken = default) => _batcher.StopAsync(cancellationToken);

    /// <summary>Ends all replies.</summary>
    public ValueTask DisposeAsync() => _batcher.DisposeAsync();
}
