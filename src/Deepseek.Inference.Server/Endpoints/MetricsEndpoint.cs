using System.Diagnostics.Metrics;
using Prometheus;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary><c>GET /metrics</c>: the meters of the process in Prometheus' text.</summary>
/// <remarks>A registry of its own: what an application collects elsewhere by the same library stays there.</remarks>
internal sealed class MetricsEndpoint : IDisposable
{
    // What is not touched for so long vanishes; a counter that comes back begins at 0, which Prometheus takes for a restart.
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    // Doubling from 1 ms: both a token and a long reply fall in the middle.
    private static readonly double[] Seconds = Histogram.ExponentialBuckets(0.001, 2, 20);

    private static readonly double[] Counts = Histogram.ExponentialBuckets(1, 2, 11);

    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly IDisposable _adapter;

    public MetricsEndpoint() => _adapter = MeterAdapter.StartListening(new MeterAdapterOptions
    {
        Registry = _registry,
        MetricFactory = Metrics.WithCustomRegistry(_registry),
        InstrumentFilterPredicate = IsOurs,
        MetricsExpireAfter = Kept,
        ResolveHistogramBuckets = instrument => instrument.Unit == "s" ? Seconds : Counts,
    });

    public Task HandleAsync(HttpContext http, CancellationToken cancellationToken)
    {
        http.Response.ContentType = PrometheusConstants.TextContentTypeWithVersionAndEncoding;
        return _registry.CollectAndExportAsTextAsync(http.Response.Body, cancellationToken);
    }

    public void Dispose() => _adapter.Dispose();

    private static bool IsOurs(Instrument instrument) => instrument.Meter.Name is var name
        && (name is "Deepseek.Inference" or "System.Runtime" || name.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal));
}
