using Microsoft.Extensions.Hosting;

namespace Deepseek.Inference.Chat.Hosting;

/// <summary>Begins to load a model when an application starts, and lets replies under way end when it stops.</summary>
internal sealed class DeepseekModelLoading(DeepseekModelHost host, bool atStart) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (atStart)
            _ = host.GetAsync(CancellationToken.None); // whoever asks for the model is told if it fails, and so is the health check
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (host.State != DeepseekModelState.Ready)
            return;
        var service = await host.GetAsync(cancellationToken).ConfigureAwait(false);
        await service.StopAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the application waits only so long
    }
}
