using Microsoft.Net.Http.Headers;

namespace Deepseek.Inference.Server.Page;

/// <summary><c>GET /</c> and <c>/page/…</c>: a page to chat with the model. It holds nothing secret, so it needs no key; what it asks the server for does.</summary>
internal sealed class PageEndpoint
{
    // Nothing from elsewhere, nothing written into the page itself, and no markup made of text: were a reply ever taken for markup, the browser would refuse to run it.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

    private const string Index = "index.html";

    private readonly PageFiles _files = new();

    /// <summary>Answers with the page itself.</summary>
    public Task IndexAsync(HttpContext http)
    {
        // The page's files are named beside it, so its own address has to end in a slash, wherever an application puts it.
        if ((http.Request.PathBase + http.Request.Path).Value is { } path && !path.EndsWith('/'))
        {
            http.Response.Redirect($"{http.Request.PathBase}{http.Request.Path}/");
            return Task.CompletedTask;
        }

        return WriteAsync(http, Index);
    }

    /// <summary>Answers with one of the page's files.</summary>
    public Task FileAsync(HttpContext http) => WriteAsync(http, http.Request.RouteValues["file"] as string ?? "");

    private async Task WriteAsync(HttpContext http, string name)
    {
        var response = http.Response;
        response.Headers.XContentTypeOptions = "nosniff";
        if (_files.Find(name) is not { } file)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            response.ContentType = "text/plain; charset=utf-8";
            await response.WriteAsync("The page has no such file.", http.RequestAborted).ConfigureAwait(false);
            return;
        }

        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers.CacheControl = "no-cache"; // kept, and asked about: a newer server has a newer page
        response.Headers.ETag = file.Tag.ToString();
        if (IsKnown(http.Request, file.Tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = file.Type;
        response.ContentLength = file.Bytes.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
            await response.Body.WriteAsync(file.Bytes, http.RequestAborted).ConfigureAwait(false);
    }

    private static bool IsKnown(HttpRequest request, EntityTagHeaderValue tag) =>
        request.GetTypedHeaders().IfNoneMatch.Any(known => known.Equals(EntityTagHeaderValue.Any) || known.Compare(tag, useStrongComparison: false));
}
