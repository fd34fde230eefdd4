namespace Deepseek.Inference.Server.Requests;

/// <summary>A request that cannot be served, as OpenAI's API tells it.</summary>
internal sealed class ApiException(int status, string message, string type, string? param = null, string? code = null) : Exception(message)
{
    private const string InvalidRequest = "invalid_request_error";
    private const string Server = "server_error";

    /// <summary>The status of the response.</summary>
    public int Status { get; } = status;

    /// <summary>The kind of fault.</summary>
    public string Type { get; } = type;

    /// <summary>The parameter at fault; null where it is none.</summary>
    public string? Param { get; } = param;

    /// <summary>What programs may tell faults apart by; null for none.</summary>
    public string? Code { get; } = code;

    public static ApiException BadRequest(string message, string? param = null, string? code = null) => new(StatusCodes.Status400BadRequest, message, InvalidRequest, param, code);

    /// <summary>What the library refuses. Its parameters' names say nothing to a client.</summary>
    public static ApiException BadRequest(ArgumentException fault, string? param, string? code = null) => BadRequest(fault.Message.Split(" (Parameter '", 2)[0], param, code);

    public static ApiException Unauthorized(string message) => new(StatusCodes.Status401Unauthorized, message, InvalidRequest, code: "invalid_api_key");

    public static ApiException NotFound(string message, string? param = null, string? code = null) => new(StatusCodes.Status404NotFound, message, InvalidRequest, param, code);

    /// <summary>A request that HTTP itself forbids.</summary>
    public static ApiException Refused(int status, string message) => new(status, message, InvalidRequest);

    public static ApiException QueueFull(string message) => new(StatusCodes.Status429TooManyRequests, message, "rate_limit_error", code: "rate_limit_exceeded");

    public static ApiException Unavailable(string message, string code) => new(StatusCodes.Status503ServiceUnavailable, message, Server, code: code);

    public static ApiException Internal() => new(
        StatusCodes.Status500InternalServerError, "The server has met a fault of its own while it answered; its log says which. Try again, or tell whoever runs it.", Server, code: "internal_error");

    public static ApiException Timeout(TimeSpan limit) => new(
        StatusCodes.Status504GatewayTimeout, FormattableString.Invariant($"The reply took longer than {limit.TotalSeconds:0.###} s, which is the server's limit. Ask for fewer tokens, or try again when it is less busy."), Server, code: "timeout");
}
