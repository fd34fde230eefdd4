using System.Buffers;
using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Deepseek.Inference.Server.Replies;

/// <summary>Writes responses: JSON at once, or events as they come.</summary>
internal static class JsonReply
{
    public const string EventStream = "text/event-stream";

    // Letters of all languages as they are: the type is application/json, never part of a page.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a whole response.</summary>
    public static async Task WriteAsync(HttpResponse response, int status, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>();
        Write(body, write);
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.WrittenCount;
        await response.Body.WriteAsync(body.WrittenMemory, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Prepares a response for events.</summary>
    public static void BeginEvents(HttpResponse response)
    {
        response.ContentType = EventStream;
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // proxies would hold events back
        response.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    /// <summary>Sends an event.</summary>
    public static async Task SendAsync(PipeWriter body, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        body.Write("data: "u8);
        Write(body, write);
        body.Write("\n\n"u8);
        await body.FlushAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Ends a stream of events that came to its end.</summary>
    public static async Task EndAsync(PipeWriter body, CancellationToken cancellationToken)
    {
        body.Write("data: [DONE]\n\n"u8);
        await body.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void Write(IBufferWriter<byte> body, Action<Utf8JsonWriter> write)
    {
        using var json = new Utf8JsonWriter(body, Options);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    }
}
