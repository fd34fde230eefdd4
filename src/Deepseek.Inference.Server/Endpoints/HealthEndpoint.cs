using Deepseek.Inference.Chat;
using Deepseek.Inference.Server.Replies;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary><c>GET /health</c>: whether requests are answered at once.</summary>
internal sealed class HealthEndpoint(DeepseekModelHost host)
{
    public Task HandleAsync(HttpContext http, CancellationToken cancellationToken)
    {
        // Whoever waits for a model to be ready would wait for ever where nobody asks for it before.
        if (host.State == DeepseekModelState.Unloaded)
            _ = host.GetAsync(CancellationToken.None);
        var (status, word) = host.State switch
        {
            DeepseekModelState.Ready => (StatusCodes.Status200OK, "ok"),
            DeepseekModelState.Failed => (StatusCodes.Status503ServiceUnavailable, "failed"),
            _ => (StatusCodes.Status503ServiceUnavailable, "loading"),
        };
        return JsonReply.WriteAsync(http.Response, status, json => json.WriteString("status", word), cancellationToken);
    }
}
