using System.Security.Cryptography;
using System.Text;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Server.Replies;
using Deepseek.Inference.Server.Requests;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary>The model that requests ask for, and the limits they must keep.</summary>
internal sealed partial class ServedModel
{
    private readonly TimeProvider _clock;
    private readonly ILogger _log;

    public ServedModel(DeepseekModelHost host, DeepseekServerOptions options, TimeProvider clock, ILogger log)
    {
        (Host, Options, _clock, _log) = (host, options, clock, log);
        Created = Now();
        var version = typeof(ServedModel).Assembly.GetName().Version;
        Fingerprint = $"fp_{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{host.ModelId} {version}")))[..10]}";
    }

    public DeepseekModelHost Host { get; }

    public DeepseekServerOptions Options { get; }

    /// <summary>When the server began to offer the model, in seconds since 1970.</summary>
    public long Created { get; }

    private string Fingerprint { get; }

    /// <summary>The model at work; waits while it is loaded.</summary>
    /// <param name="model">The id that the request names.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ApiException">It is another model, or could not be loaded.</exception>
    public async Task<TextService> GetAsync(string model, CancellationToken cancellationToken)
    {
        RequireModel(model, "model");
        try
        {
            return await Host.GetAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            if (fault is ObjectDisposedException)
                throw ApiFaults.Stopping();
            LogNotLoaded(_log, fault, Host.ModelId);
            throw ApiException.Unavailable($"{Host.ModelId} could not be loaded; the server's log says why. Tell whoever runs it.", "model_not_loaded");
        }
    }

    /// <exception cref="ApiException">It is another model.</exception>
    public void RequireModel(string model, string? param)
    {
        if (model != Host.ModelId)
            throw ApiException.NotFound($"The model '{(model.Length > 100 ? model[..100] + "…" : model)}' is not served here; it must be '{Host.ModelId}'.", param, "model_not_found");
    }

    public ReplyHead Head(string prefix) => new($"{prefix}-{Guid.NewGuid():N}", Now(), Host.ModelId, Fingerprint);

    private long Now() => _clock.GetUtcNow().ToUnixTimeSeconds();

    [LoggerMessage(1, LogLevel.Error, "{Model} could not be loaded.")]
    private static partial void LogNotLoaded(ILogger log, Exception fault, string model);
}
