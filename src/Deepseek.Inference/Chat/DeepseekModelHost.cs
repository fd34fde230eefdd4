using Microsoft.Extensions.Logging;

namespace Deepseek.Inference.Chat;

/// <summary>Loads a model once, when it is first asked for, and serves all who ask.</summary>
/// <remarks>Thread-safe. Disposal ends all replies and frees the model.</remarks>
public sealed class DeepseekModelHost : IDisposable, IAsyncDisposable
{
    private readonly DeepseekOptions _options;
    private readonly ILogger? _logger;
    private readonly Lazy<Task<TextService>> _service;
    private readonly CancellationTokenSource _disposal = new();
    private volatile TextService? _ready;
    private int _disposed;

    /// <summary>Creates a host; nothing is read yet.</summary>
    /// <param name="options">The model.</param>
    /// <param name="logger">Told of warnings where the model's own options name no logger; null for nobody.</param>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    public DeepseekModelHost(DeepseekOptions options, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var faults = string.Join(" ", options.Faults());
        if (faults.Length > 0)
            throw new ArgumentException($"{nameof(DeepseekOptions)}: {faults}", nameof(options));
        (_options, _logger) = (options, logger);
        ModelId = options.ModelId ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.ModelPath)));
        _service = new Lazy<Task<TextService>>(() => Task.Run(LoadAsync));
    }

    /// <summary>The name by which clients ask for the model.</summary>
    public string ModelId { get; }

    /// <summary>How far it has come.</summary>
    public DeepseekModelState State => !_service.IsValueCreated ? DeepseekModelState.Unloaded : _service.Value.Status switch
    {
        TaskStatus.RanToCompletion => DeepseekModelState.Ready,
        TaskStatus.Faulted or TaskStatus.Canceled => DeepseekModelState.Failed,
        _ => DeepseekModelState.Loading,
    };

    /// <summary>Why it could not be loaded; null where it could, or where that is not known yet.</summary>
    public Exception? Fault => State == DeepseekModelState.Failed ? _service.Value.Exception?.InnerException ?? new OperationCanceledException() : null;

    /// <summary>The model at work; null until it is loaded, and once the host is disposed.</summary>
    public TextService? Service => _disposed == 0 ? _ready : null;

    /// <summary>The model at work, once it is loaded; loads it where nobody has asked for it yet.</summary>
    /// <param name="cancellationToken">Ends the wait, not the loading.</param>
    /// <exception cref="ObjectDisposedException">The host has been disposed.</exception>
    /// <inheritdoc cref="TextGenerator.LoadAsync" path="/exception" />
    public Task<TextService> GetAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _service.Value.WaitAsync(cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _disposal.CancelAsync().ConfigureAwait(false);
        if (_service.IsValueCreated)
        {
            await ((Task)_service.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_service.Value.IsCompletedSuccessfully)
            {
                var service = await _service.Value.ConfigureAwait(false);
                await service.DisposeAsync().ConfigureAwait(false);
                service.Generator.Dispose();
            }
        }

        _disposal.Dispose();
    }

    private async Task<TextService> LoadAsync()
    {
        var model = _options.Model;
        // Where a budget is kept, the caches of all who ask at once are part of it.
        if (model.Memory.ContextTokens is null && _options.Batching.CacheTokens is { } tokens)
            model = model with { Memory = model.Memory with { ContextTokens = (int)Math.Min(tokens, int.MaxValue) } };
        var generator = await TextGenerator.LoadAsync(_options.ModelPath, model with { Logger = model.Logger ?? _logger }, cancellationToken: _disposal.Token).ConfigureAwait(false);
        try
        {
            return _ready = new TextService(generator, _options.Batching);
        }
        catch
        {
            generator.Dispose();
            throw;
        }
    }
}
