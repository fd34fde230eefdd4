using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Net.Http.Headers;

namespace Deepseek.Inference.Server.Requests;

/// <summary>A request's body as JSON: bounded in bytes and depth, and of whole characters.</summary>
internal static class RequestBody
{
    private const int MaxDepth = 64;

    /// <summary>Reads a body.</summary>
    /// <param name="request">The request.</param>
    /// <param name="limits">The server's limits.</param>
    /// <param name="read">Makes of its fields what outlives them.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ApiException">It is of another type, too large, or no JSON object.</exception>
    public static async Task<T> ReadAsync<T>(HttpRequest request, DeepseekServerOptions limits, Func<JsonFields, DeepseekServerOptions, T> read, CancellationToken cancellationToken)
    {
        var maxBytes = limits.MaxBodyBytes;
        RequireJson(request);
        if (request.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = maxBytes;
        if (request.ContentLength > maxBytes)
            throw TooLarge(maxBytes);
        using var document = Parse(await ReadBytesAsync(request, maxBytes, cancellationToken).ConfigureAwait(false));
        return read(new JsonFields(document.RootElement, ""), limits);
    }

    private static void RequireJson(HttpRequest request)
    {
        var type = MediaTypeHeaderValue.TryParse(request.ContentType, out var parsed) ? parsed : null;
        var isJson = request.HasJsonContentType() && (type?.Charset.HasValue != true || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase));
        if (!isJson)
            throw ApiException.Refused(StatusCodes.Status415UnsupportedMediaType, $"Content-Type is {(request.ContentType is null ? "missing" : $"'{request.ContentType}'")}; it must be application/json, in UTF-8.");
        if (request.Headers.ContentEncoding.Count > 0)
            throw ApiException.Refused(StatusCodes.Status415UnsupportedMediaType, $"Content-Encoding is '{request.Headers.ContentEncoding}'; the body must come uncompressed.");
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>((int)Math.Clamp(request.ContentLength ?? 4096, 256, maxBytes));
        try
        {
            while (true)
            {
                var count = await request.Body.ReadAsync(body.GetMemory(4096), cancellationToken).ConfigureAwait(false);
                if (count == 0)
                    return body.WrittenMemory;
                body.Advance(count);
                if (body.WrittenCount > maxBytes)
                    throw TooLarge(maxBytes);
            }
        }
        catch (BadHttpRequestException fault) when (fault.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw TooLarge(maxBytes);
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
            throw ApiException.BadRequest("The body is empty; it must be a JSON object.");
        if (!Utf8.IsValid(body.Span))
            throw ApiException.BadRequest("The body is not UTF-8; JSON must be.");
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = MaxDepth });
        }
        catch (JsonException fault)
        {
            throw ApiException.BadRequest($"The body is no JSON that can be read, at most {MaxDepth} levels deep: {fault.Message}");
        }

        try
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw ApiException.BadRequest("The body is JSON, but no object; it must be an object such as {\"model\": …}.");
            // Only an escape can bring half a character into valid UTF-8.
            if (body.Span.IndexOf("\\u"u8) >= 0)
                RequireCharacters(document.RootElement);
            return document;
        }
        catch (InvalidOperationException)
        {
            document.Dispose();
            throw ApiException.BadRequest("The body holds a string that escapes half of a surrogate pair; it must be valid Unicode.");
        }
        catch
        {
            document.Dispose();
            throw;
        }
    }

    /// <summary>Reads every string once, so that no later reader meets one that is none.</summary>
    private static void RequireCharacters(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    RequireCharacters(item);
                break;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    _ = member.Name;
                    RequireCharacters(member.Value);
                }

                break;
        }
    }

    private static ApiException TooLarge(long maxBytes) => ApiException.Refused(
        StatusCodes.Status413PayloadTooLarge, FormattableString.Invariant($"The body has more than {maxBytes} bytes, which is the server's limit. Send less, or raise DeepseekServerOptions.MaxBodyBytes."));
}
