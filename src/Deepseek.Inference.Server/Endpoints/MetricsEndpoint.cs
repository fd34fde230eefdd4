using Deepseek.Inference.Server.Metrics;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary><c>GET /metrics</c>: the meters of the library, the web server and the runtime.</summary>
internal sealed class MetricsEndpoint : IDisposable
{
    private readonly MeterText _meters = new(name => name is "Deepseek.Inference" or "System.Runtime" || name.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal));

    public Task HandleAsync(HttpContext http, CancellationToken cancellationToken)
    {
        http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return http.Response.WriteAsync(_meters.Read(), cancellationToken);
    }

    public void Dispose() => _meters.Dispose();
}
