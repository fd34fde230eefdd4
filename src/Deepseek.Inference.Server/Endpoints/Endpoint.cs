using Deepseek.Inference.Server.Requests;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary>What every address has in common: the key, the method, the time, and what becomes of faults.</summary>
internal sealed partial class Endpoint(DeepseekServerOptions options, TimeProvider clock, ILogger log)
{
    private const int ClientClosedRequest = 499; // nginx' number; nobody reads it but a log

    private readonly ApiKeys _keys = new(options.ApiKeys);

    /// <summary>Makes a handler of requests.</summary>
    /// <param name="method">The one method that is served; null for any.</param>
    /// <param name="handle">Answers; what it throws becomes the response.</param>
    /// <param name="open">Whether no key is needed.</param>
    public RequestDelegate Of(string? method, Func<HttpContext, CancellationToken, Task> handle, bool open = false) => async http =>
    {
        using var time = options.RequestTimeout is { } limit ? new CancellationTokenSource(limit, clock) : null;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, time?.Token ?? default);
        try
        {
            if (!open)
                _keys.Require(http.Request);
            RequireMethod(http, method);
            await handle(http, end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone.
            if (!http.Response.HasStarted)
                http.Response.StatusCode = ClientClosedRequest;
        }
#pragma warning disable CA1031 // whatever went wrong, the client is told in the API's form
        catch (Exception fault)
#pragma warning restore CA1031
        {
            await TellAsync(http, fault, time?.IsCancellationRequested is true).ConfigureAwait(false);
        }
    };

    private static void RequireMethod(HttpContext http, string? method)
    {
        if (method is null || http.Request.Method == method || (method == HttpMethods.Get && HttpMethods.IsHead(http.Request.Method)))
            return;
        http.Response.Headers.Allow = method;
        throw ApiException.Refused(StatusCodes.Status405MethodNotAllowed, $"{http.Request.Path} was asked by {http.Request.Method}; it must be {method}.");
    }

    private async Task TellAsync(HttpContext http, Exception fault, bool timedOut)
    {
        var told = fault is OperationCanceledException && timedOut ? ApiException.Timeout(options.RequestTimeout!.Value) : ApiFaults.Of(fault);
        if (told is null)
            LogFault(log, fault, http.Request.Path);
        try
        {
            await ApiFaults.WriteAsync(http.Response, told ?? ApiException.Internal(), http.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The client has gone meanwhile.
        }
    }

    [LoggerMessage(2, LogLevel.Error, "{Path} could not be answered.")]
    private static partial void LogFault(ILogger log, Exception fault, string path);
}
