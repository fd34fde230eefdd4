using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Deepseek.Inference.Chat.Hosting;

/// <summary>Tells whether a model answers.</summary>
internal sealed class DeepseekHealthCheck(DeepseekModelHost host) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(host.State switch
    {
        DeepseekModelState.Ready => HealthCheckResult.Healthy($"{host.ModelId} answers."),
        DeepseekModelState.Failed => HealthCheckResult.Unhealthy($"{host.ModelId} could not be loaded: {host.Fault!.Message}", host.Fault),
        DeepseekModelState.Loading => HealthCheckResult.Degraded($"{host.ModelId} is being loaded."),
        _ => HealthCheckResult.Degraded($"{host.ModelId} is loaded when it is first asked."),
    });
}
