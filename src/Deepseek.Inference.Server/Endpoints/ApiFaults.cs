using System.Text.Json;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Server.Replies;
using Deepseek.Inference.Server.Requests;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary>What a request's fault is to its client: its own mistakes in full, the server's without their insides.</summary>
internal static class ApiFaults
{
    private const string RetryAfterSeconds = "1";

    /// <summary>Tells a fault in terms of the API; null where it is the server's own.</summary>
    public static ApiException? Of(Exception fault) => fault switch
    {
        ApiException told => told,
        QueueFullException full => ApiException.QueueFull(FormattableString.Invariant($"{full.Waiting} requests wait already, which is the server's limit. Try again in a moment.")),
        ObjectDisposedException => Stopping(),
        BadHttpRequestException bad => ApiException.Refused(bad.StatusCode, bad.Message),
        _ => null,
    };

    public static ApiException Stopping() => ApiException.Unavailable("The server is stopping. Ask another one, or this one again once it has started.", "stopping");

    /// <summary>Writes a fault as the response, where none has begun; else as the last event of a stream.</summary>
    public static async Task WriteAsync(HttpResponse response, ApiException fault, CancellationToken cancellationToken)
    {
        if (!response.HasStarted)
        {
            response.Headers.Remove("Cache-Control");
            response.Headers.Remove("X-Accel-Buffering");
            if (fault.Status == StatusCodes.Status401Unauthorized)
                response.Headers.WWWAuthenticate = "Bearer";
            if (fault.Status == StatusCodes.Status429TooManyRequests)
                response.Headers.RetryAfter = RetryAfterSeconds;
            await JsonReply.WriteAsync(response, fault.Status, json => Write(json, fault), cancellationToken).ConfigureAwait(false);
        }
        else if (response.ContentType == JsonReply.EventStream)
            await JsonReply.SendAsync(response.BodyWriter, json => Write(json, fault), cancellationToken).ConfigureAwait(false);
        else
            response.HttpContext.Abort();
    }

    private static void Write(Utf8JsonWriter json, ApiException fault)
    {
        json.WriteStartObject("error");
        json.WriteString("message", fault.Message);
        json.WriteString("type", fault.Type);
        json.WriteString("param", fault.Param);
        json.WriteString("code", fault.Code);
        json.WriteEndObject();
    }
}
