namespace Deepseek.Inference.Chat;

/// <summary>Placeholder while the client is written.</summary>
public sealed class DeepseekChatClient : Microsoft.Extensions.AI.IChatClient
{
    /// <summary>Creates it.</summary>
    public DeepseekChatClient(DeepseekModelHost host, int maxConversations = 1000) { }
    /// <inheritdoc/>
    public Task<Microsoft.Extensions.AI.ChatResponse> GetResponseAsync(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, Microsoft.Extensions.AI.ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();
    /// <inheritdoc/>
    public IAsyncEnumerable<Microsoft.Extensions.AI.ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, Microsoft.Extensions.AI.ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();
    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => null;
    /// <inheritdoc/>
    public void Dispose() { }
}
