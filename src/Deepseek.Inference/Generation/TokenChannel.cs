using System.Threading.Channels;

namespace Deepseek.Inference.Generation;

/// <summary>Hands what becomes of a sequence's tokens to whoever awaits it. A reader who is slow holds nobody up: a sequence has a maximum of tokens.</summary>
/// <param name="read">Makes an item of a token, on the thread that generates.</param>
internal sealed class TokenChannel<T>(Func<TokenResult, T> read) : ITokenSink
{
    private readonly Channel<T> _channel = Channel.CreateUnbounded<T>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    /// <summary>The items.</summary>
    public ChannelReader<T> Reader => _channel.Reader;

    public void Add(TokenResult token) => _channel.Writer.TryWrite(read(token));

    public void Complete(Exception? fault) => _channel.Writer.TryComplete(fault);
}
