using Deepseek.Inference.Chat;

namespace Deepseek.Inference.Tests.Chat.Client;

/// <summary>The embedded model, hosted once for a class of tests.</summary>
public sealed class NanoHost : IAsyncDisposable
{
    public DeepseekModelHost Host { get; } = new(new DeepseekOptions { ModelPath = TestPaths.Nano });

    public async ValueTask<TextService> ServiceAsync() => await Host.GetAsync();

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();
}
