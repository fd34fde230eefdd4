using System.Runtime.CompilerServices;
using Deepseek.Inference.Chat.Client;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Microsoft.Extensions.AI;

namespace Deepseek.Inference.Chat;

/// <summary>A local DeepSeek model as an <see cref="IChatClient"/>.</summary>
/// <remarks>
/// <para>Thread-safe: calls of all threads are generated together, and each gets what it would get alone (<see cref="TextService"/>). Calls of one conversation wait for one another.</para>
/// <para>
/// Of <see cref="ChatOptions"/> all that concerns a local model is heeded: <c>Temperature</c>, <c>TopP</c>, <c>TopK</c>, <c>Seed</c>, the penalties, <c>MaxOutputTokens</c>, <c>StopSequences</c>, <c>Instructions</c>, <c>Reasoning</c>,
/// <c>ResponseFormat</c> (JSON and JSON schemas, by constrained sampling), <c>Tools</c> (functions alone), <c>ToolMode</c>, <c>AllowMultipleToolCalls</c>, <c>ConversationId</c>, <c>ModelId</c>, and a <see cref="TextOptions"/> of
/// <c>RawRepresentationFactory</c>, from which the rest is taken. What cannot be done is refused; nothing is dropped in silence.
/// </para>
/// <para>
/// With a <c>ConversationId</c> of the caller's choice the client remembers the conversation: a call then needs its new messages alone, and costs only their tokens. A call that repeats the conversation from its beginning goes on from there.
/// Without one, any prompt still goes on from the longest beginning that an earlier one left in a cache.
/// </para>
/// <para>A reply's last update has the <see cref="TextCompletion"/> as its <c>RawRepresentation</c>: token ids, timings and the seed.</para>
/// </remarks>
/// <example>
/// <code>
/// using IChatClient client = await DeepseekChatClient.LoadAsync("./DeepSeek-V2-Lite");
/// Console.WriteLine(await client.GetResponseAsync("Why is the sky blue?"));
/// </code>
/// </example>
public sealed class DeepseekChatClient : IChatClient
{
    /// <summary>What <see cref="ChatClientMetadata.ProviderName"/> says.</summary>
    public const string ProviderName = "deepseek.inference";

    private readonly DeepseekModelHost _host;
    private readonly bool _ownsHost;
    private readonly ConversationStore _conversations;
    private readonly ChatClientMetadata _metadata;

    /// <summary>Creates a client of a hosted model, which stays the caller's.</summary>
    /// <param name="host">The model; it is loaded at the first call where it is not yet.</param>
    /// <param name="maxConversations">Conversations that are remembered, 1 or more; of further ones the least recently used are forgotten.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxConversations"/> is below 1.</exception>
    public DeepseekChatClient(DeepseekModelHost host, int maxConversations = 1000)
        : this(host, maxConversations, ownsHost: false)
    {
    }

    private DeepseekChatClient(DeepseekModelHost host, int maxConversations, bool ownsHost)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxConversations, 1);
        (_host, _ownsHost) = (host, ownsHost);
        _conversations = new ConversationStore(maxConversations);
        _metadata = new ChatClientMetadata(ProviderName, null, host.ModelId);
    }

    /// <summary>Loads a model and creates a client that owns it.</summary>
    /// <param name="path">The model's folder.</param>
    /// <param name="model">How it is loaded; null for the defaults.</param>
    /// <param name="batching">How it is shared out among calls; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    /// <inheritdoc cref="TextGenerator.LoadAsync" path="/exception" />
    public static async Task<DeepseekChatClient> LoadAsync(
        string path, ModelOptions? model = null, BatchingOptions? batching = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ModelLoader.RequireFolder(path);
        var host = new DeepseekModelHost(new DeepseekOptions { ModelPath = path, Model = model ?? new(), Batching = batching ?? new() });
        try
        {
            await host.GetAsync(cancellationToken).ConfigureAwait(false);
            return new DeepseekChatClient(host, new DeepseekOptions().MaxConversations, ownsHost: true);
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Answers a conversation.</summary>
    /// <inheritdoc cref="GetStreamingResponseAsync" />
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        TextCompletion? completion = null;
        var response = await Updates().ToChatResponseAsync(cancellationToken).ConfigureAwait(false);
        response.RawRepresentation = completion;
        return response;

        async IAsyncEnumerable<ChatResponseUpdate> Updates()
        {
            await foreach (var update in GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            {
                completion = update.RawRepresentation as TextCompletion ?? completion;
                yield return update;
            }
        }
    }

    /// <summary>Answers a conversation, piece by piece.</summary>
    /// <param name="messages">The conversation, or with a <c>ConversationId</c> its new messages.</param>
    /// <param name="options">How it is answered; null for the model's defaults.</param>
    /// <param name="cancellationToken">Ends the reply; a remembered conversation is then as before.</param>
    /// <exception cref="ArgumentException">Messages or options hold what this model cannot do, the prompt does not fit the context, or a value is out of range; values and ranges are named.</exception>
    /// <exception cref="Diagnostics.QueueFullException">Too many calls wait.</exception>
    /// <exception cref="ObjectDisposedException">The client or its host has been disposed, or is stopping.</exception>
    /// <inheritdoc cref="TextGenerator.Chat" path="/exception" />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var request = ChatRequest.Read(messages, options, this, _host.ModelId);
        var service = await _host.GetAsync(cancellationToken).ConfigureAwait(false);
        using var conversation = request.ConversationId is { } id ? await _conversations.EnterAsync(id, cancellationToken).ConfigureAwait(false) : null;
        var said = conversation?.With(request.Messages) ?? request.Messages;

        var prompt = service.Generator.Chat(request.WithInstructions(said), request.Tools, request.Thinking);
        var writer = new ReplyWriter(_host.ModelId, request);
        await foreach (var update in service.StreamAsync(prompt, request.Options, request.ConversationId, cancellationToken).ConfigureAwait(false))
        {
            if (update.Completion is { } completion)
                conversation?.Keep([.. said, ReplyWriter.Remembered(completion)]);
            if (writer.Write(update) is { } written)
                yield return written;
        }
    }

    /// <summary>What lies behind the client: <see cref="ChatClientMetadata"/>, the client itself, <see cref="DeepseekModelHost"/>, and once the model is loaded <see cref="TextService"/>, <see cref="TextGenerator"/> and <see cref="LanguageModel"/>.</summary>
    /// <param name="serviceType">The type.</param>
    /// <param name="serviceKey">Null; nothing has a key.</param>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        var service = _host.Service;
        return new object?[] { _metadata, this, _host, service, service?.Generator, service?.Generator.Model }.FirstOrDefault(serviceType.IsInstanceOfType);
    }

    /// <summary>Disposes the model where the client loaded it itself; one of a host stays.</summary>
    public void Dispose()
    {
        if (_ownsHost)
            _host.Dispose();
    }
}
