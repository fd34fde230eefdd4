using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Offload;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>A model that continues sequences of tokens: <see cref="DeepseekModel"/> or <see cref="DenseModel"/>.</summary>
/// <remarks>
/// <para>Thread-safe: several threads may run passes at once, each over caches of its own. A cache serves one pass at a time.</para>
/// <para>Disposal refuses further calls and frees the weights when the last pass under way has ended. Caches are disposed by their owners.</para>
/// <para>
/// Weights keep their stored type in memory and are computed in fp32; a store's weights of 4 and 8 bits meet activations that are rounded as <see cref="ModelOptions.Activations"/> says, on the CPU operations. There one
/// pass computes at a time, and the others wait.
/// </para>
/// </remarks>
public abstract partial class LanguageModel : IDisposable
{
    private readonly Decoder _decoder;
    private readonly Lifetime _lifetime;
    private readonly bool _isStore;
    private readonly RoutingRecorder? _recorder;

    private protected LanguageModel(LoadedModel loaded)
    {
        (_decoder, Cpu, _isStore) = (loaded.Decoder, loaded.Cpu, loaded.Source is StoreWeights);
        (Config, Options, Location, WeightBytes) = (loaded.Config, loaded.Options, loaded.Location, loaded.WeightBytes);
        (ChunkTokens, StepBytes, AlwaysReadBytes) = (loaded.ChunkTokens, loaded.StepBytes, loaded.AlwaysReadBytes);
        Device = torch.device(loaded.Options.Device);
        _origin = new Lazy<CacheOrigin>(() => ModelIdentity.Of(this, loaded.Source), LazyThreadSafetyMode.PublicationOnly); // a disk that fails once may not fail again
        _lifetime = new Lifetime(this, () =>
        {
            ReleaseWeights();
            _decoder.Dispose();
            loaded.Cpu?.Engine.Dispose();
            loaded.Cpu?.Dispose();
            loaded.Source.Dispose();
            _recorder?.Dispose();
        });
        if (loaded.Options.Paging.RoutingTrace is { } trace && Cpu is not null && Config.Experts is { } experts)
        {
            int[] layers = [.. Enumerable.Range(0, Config.LayerCount).Where(experts.IsMixture)];
            _recorder = new RoutingRecorder(new RoutingTraceWriter(trace, layers.Length, experts.RoutedCount, experts.ChosenCount), layers, experts.ChosenCount);
        }
    }

    /// <summary>Architecture and sizes.</summary>
    public ModelConfig Config { get; }

    /// <summary>How the model was loaded.</summary>
    public ModelOptions Options { get; }

    /// <summary>The folder that it was loaded from.</summary>
    public string Location { get; }

    /// <summary>Bytes of the weights as they are stored.</summary>
    public long WeightBytes { get; }

    /// <summary>What paging has done so far; null where all experts are in memory, or there are none.</summary>
    public virtual PagingStatistics? Paging => null;

    /// <summary>What the device's memory holds of a page store's model with experts, and what has been copied there; null where a CPU computes, and for other models.</summary>
    public virtual DeviceStatistics? DeviceMemory => null;

    /// <summary>Tokens of a prompt that pass at once.</summary>
    internal int ChunkTokens { get; }

    /// <summary>Tokens that caches may hold together where nothing was asked: what the memory budget sets aside for them, or what an eighth of the free memory holds.</summary>
    internal long DefaultCacheTokens()
    {
        if (Options.Memory.ContextTokens is { } context)
            return context;
        if (Paging is not null)
            return MemoryPlan.DefaultContext;
        const int Sample = 1024;
        var bytes = PassMemory.OfCache(Config, Sample, _isStore && Options.OnCpu ? sizeof(short) : sizeof(float)) / Sample;
        return Math.Max(Config.MaxPositions, Diagnostics.AvailableMemory.Free() / 8 / bytes);
    }

    /// <summary>Bytes of weights that products have read so far, as they are stored: an expert counts once a pass. 0 on the Torch operations, which do not count.</summary>
    internal long WeightBytesRead => Cpu?.Engine.BytesRead ?? 0;

    /// <summary>Passes on the CPU operations; null where the Torch operations compute.</summary>
    private protected CpuPass? Cpu { get; }

    /// <summary>Bytes of weights that decoding one token of one sequence reads, as they are stored: of the routed experts the chosen ones' share.</summary>
    internal long StepBytes { get; }

    /// <summary>Of them, those that every token reads, whatever its experts.</summary>
    internal long AlwaysReadBytes { get; }

    /// <summary>Whether kernels of our own compute, not libtorch.</summary>
    internal bool ComputesOnKernels => Cpu is not null;

    private protected Device Device { get; }

    private protected IComputeOperations Operations => _decoder.Operations;

    /// <summary>Loads a model of any supported architecture from a Hugging Face folder.</summary>
    /// <param name="path">A folder with <c>config.json</c> and safetensors files.</param>
    /// <param name="options">How it is loaded and computed; null for the defaults.</param>
    /// <param name="progress">Told after every tensor.</param>
    /// <param name="cancellationToken">Ends loading between two tensors.</param>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="Diagnostics.CheckpointFormatException">A file of the folder is at fault.</exception>
    /// <exception cref="MemoryBudgetException">The memory that was given, or is free, is too small.</exception>
    /// <exception cref="Diagnostics.TorchNativeException">libtorch or the device is not available.</exception>
    public static Task<LanguageModel> LoadAsync(
        string path, ModelOptions? options = null, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        ModelLoader.LoadAsync<LanguageModel>(path, options, progress, cancellationToken);

    /// <summary>A cache for a new sequence.</summary>
    /// <param name="options">Precision, length and window; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public SequenceCache CreateCache(CacheOptions? options = null)
    {
        return CreateCache(this, Config.LayerCount, options);
    }

    /// <summary>Runs new tokens of one sequence through the model, in chunks of <see cref="ModelOptions.ChunkSize"/>.</summary>
    /// <param name="ids">T tokens that follow those in the cache; at least one.</param>
    /// <param name="cache">The sequence; it holds the tokens afterwards.</param>
    /// <param name="rows">Which rows of logits are computed.</param>
    /// <param name="trace">Collects hidden states and chosen experts; null where nobody looks.</param>
    /// <param name="cancellationToken">Ends the pass between two layers; the cache is then as before.</param>
    /// <returns>Logits in fp32, [T, vocabulary] or [1, vocabulary], on the model's device; the caller disposes them.</returns>
    /// <exception cref="ArgumentException">There are no tokens, or they do not fit the cache, or the cache is another model's.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not of the vocabulary.</exception>
    /// <exception cref="ObjectDisposedException">The model or the cache has been disposed.</exception>
    public Tensor Forward(
        ReadOnlyMemory<int> ids, SequenceCache cache, LogitRows rows = LogitRows.Last, ForwardTrace? trace = null, CancellationToken cancellationToken = default) =>
        Observe(ids, cache, rows, trace, cancellationToken);

    /// <summary>Runs new tokens of several sequences through the model together: every weight is read once for all of them.</summary>
    /// <param name="batch">The sequences, in any order, each with its own number of tokens.</param>
    /// <param name="cancellationToken">Ends the pass between two layers; the caches are then as before.</param>
    /// <returns>Logits in fp32 of every sequence's last token, [B, vocabulary], in the batch's order; the caller disposes them.</returns>
    /// <exception cref="ArgumentException">The batch is empty, a sequence has no tokens or occurs twice, or tokens do not fit a cache.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not of the vocabulary.</exception>
    /// <exception cref="ObjectDisposedException">The model or a cache has been disposed.</exception>
    public Tensor Forward(IReadOnlyList<SequenceInput> batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var lease = Enter();
        if (batch.Count == 0)
            throw new ArgumentException("The batch has no sequences; it needs at least one.", nameof(batch));
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch[i].Cache is null)
                throw new ArgumentException($"Sequence {i} of the batch has no cache; make one with the model's CreateCache.", nameof(batch));
        }

        if (batch.Select(sequence => sequence.Cache).Distinct().Count() < batch.Count)
            throw new ArgumentException("A cache occurs twice in the batch; every sequence needs a cache of its own.", nameof(batch));
        foreach (var (ids, cache) in batch)
            RequireInput(ids.Span, cache);

        return Compute(batch, LogitRows.Last, null, cancellationToken)!;
    }

    /// <summary>Computes the logits of every sequence's last token on the CPU operations, without a tensor.</summary>
    /// <param name="batch">The sequences; they are not checked.</param>
    /// <param name="logits">Receives [B, vocabulary].</param>
    /// <param name="cancellationToken">Ends the pass; the caches are then as before.</param>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    internal unsafe void Forward(IReadOnlyList<SequenceInput> batch, Span<float> logits, CancellationToken cancellationToken)
    {
        using var lease = Enter();
        lock (Cpu!.Engine.Gate)
        {
            fixed (float* to = logits)
                _decoder.Forward(Cpu, batch, LogitRows.Last, _recorder, to, cancellationToken);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _lifetime.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract SequenceCache CreateCache(object owner, int layers, int maxLength, CacheOptions options);

    /// <summary>A cache with what its options leave open filled in.</summary>
    private protected SequenceCache CreateCache(object owner, int layers, CacheOptions? options)
    {
        options ??= new CacheOptions();
        var isLatent = Config.LatentAttention is not null;
        options.Validate(Config.MaxPositions, allowsInt16: isLatent && Device.type == DeviceType.CPU);
        using var lease = Enter();
        var precision = options.Precision ?? (_isStore && isLatent && Cpu is not null ? CachePrecision.Int16 : CachePrecision.Float32);
        return CreateCache(owner, layers, options.MaxLength ?? Config.MaxPositions, options with { Precision = precision });
    }

    private protected virtual void ReleaseWeights()
    {
    }

    /// <summary><see cref="Forward(ReadOnlyMemory{int}, SequenceCache, LogitRows, ForwardTrace?, CancellationToken)"/> for any observer.</summary>
    internal Tensor Observe(ReadOnlyMemory<int> ids, SequenceCache cache, LogitRows rows, IForwardObserver? observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(cache);
        using var lease = Enter();
        RequireInput(ids.Span, cache);
        var before = cache.Length;
        try
        {
            return InChunks(ids, cache, rows, observer, cancellationToken);
        }
        catch
        {
            // Chunks that were complete go as well: a caller who tries again gives all tokens again.
            cache.Truncate(before);
            throw;
        }
    }

    private Tensor InChunks(ReadOnlyMemory<int> ids, SequenceCache cache, LogitRows rows, IForwardObserver? observer, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        List<Tensor> logits = [];
        for (var first = 0; first < ids.Length; first += ChunkTokens)
        {
            var chunk = ids.Slice(first, Math.Min(ChunkTokens, ids.Length - first));
            var last = first + chunk.Length == ids.Length;
            var result = Compute([new SequenceInput(chunk, cache)], rows == LogitRows.All ? LogitRows.All : last ? LogitRows.Last : null, observer, cancellationToken);
            if (result is not null)
                logits.Add(result);
        }

        return (logits.Count == 1 ? logits[0] : cat(logits)).MoveToOuterDisposeScope();
    }

    /// <summary>Begins a call that may compute.</summary>
    private unsafe Tensor? Compute(IReadOnlyList<SequenceInput> batch, LogitRows? rows, IForwardObserver? observer, CancellationToken cancellationToken)
    {
        if (Cpu is null || observer is { NeedsTensors: true })
            return _decoder.Forward(batch, rows, observer, Device, cancellationToken);

        var count = rows == LogitRows.All ? batch.Sum(sequence => sequence.Ids.Length) : batch.Count;
        var logits = rows is null ? null : empty(count, Config.VocabularySize, ScalarType.Float32);
        try
        {
            lock (Cpu.Engine.Gate)
                _decoder.Forward(Cpu, batch, rows, observer ?? _recorder, logits is null ? null : (float*)logits.Address(), cancellationToken);
            return logits;
        }
        catch
        {
            logits?.Dispose();
            throw;
        }
    }

    private protected PassLease Enter() => new(_lifetime.Enter(), Options.Threads);

    internal void RequireIds(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty)
            throw new ArgumentException("There are no tokens; a pass needs at least one.", nameof(ids));
        for (var i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)Config.VocabularySize)
                throw new ArgumentOutOfRangeException(nameof(ids), ids[i], $"Token {i} is {ids[i]}; the vocabulary has 0 to {Config.VocabularySize - 1}.");
        }
    }

    /// <summary>Refuses tokens or a cache with which a pass could not begin.</summary>
    internal void RequireInput(ReadOnlySpan<int> ids, SequenceCache cache)
    {
        RequireIds(ids);
        RequireOwner(cache, this);
        cache.RequireRoom(ids.Length);
    }

    private protected static void RequireOwner(SequenceCache cache, object owner)
    {
        if (!ReferenceEquals(cache.Owner, owner))
            throw new ArgumentException("The cache was made by another model, or for another layer; make one with this model's CreateCache.", nameof(cache));
    }
}
