using static TorchSharp.torch;

namespace Deepseek.Inference.Caching;

/// <summary>What a model remembers of one sequence: some values for every token and layer.</summary>
/// <remarks>
/// Not thread-safe: one forward pass at a time may use a cache. Different caches of one model may be used at once.
/// A pass that fails or is cancelled leaves the cache as it was, and usable.
/// </remarks>
public abstract class SequenceCache : IDisposable
{
    private const int FirstCapacity = 256;

    private readonly Tensor?[] _layers; // each [capacity, width]
    private readonly List<int> _ids = [];
    private readonly long _width;
    private bool _disposed;

    private protected SequenceCache(object owner, int layers, long width, int maxLength, CacheOptions options, Device device)
    {
        Owner = owner;
        _layers = new Tensor?[layers];
        _width = width;
        Device = device;
        MaxLength = maxLength;
        Options = options;
    }

    /// <summary>How many tokens the cache holds.</summary>
    public int Length => _ids.Count;

    /// <summary>The tokens that the cache holds, in their order; of a prediction cache, each row's next token.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Tokens that the cache may hold.</summary>
    public int MaxLength { get; }

    /// <summary>Bytes allocated so far.</summary>
    public long ByteSize => _layers.Sum(layer => layer is null ? 0 : layer.numel() * layer.element_size());

    internal CacheOptions Options { get; }

    /// <summary>What made the cache: only it may use it.</summary>
    internal object Owner { get; }

    private protected Device Device { get; }

    internal int LayerCount => _layers.Length;

    private ScalarType StoredType => Options.Precision switch
    {
        CachePrecision.BFloat16 => ScalarType.BFloat16,
        CachePrecision.Float16 => ScalarType.Float16,
        _ => ScalarType.Float32,
    };

    /// <summary>Forgets all tokens from a length on.</summary>
    /// <param name="length">Tokens to keep, 0 to <see cref="Length"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative or above <see cref="Length"/>.</exception>
    public void Truncate(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (length < 0 || length > Length)
            throw new ArgumentOutOfRangeException(nameof(length), length, $"The cache holds {Length} tokens; it can be cut back to 0 to {Length}.");
        _ids.RemoveRange(length, Length - length);
    }

    /// <summary>A cache of its own with the same tokens, for another continuation of the same text.</summary>
    public SequenceCache Copy()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var copy = Empty();
        for (var layer = 0; layer < _layers.Length; layer++)
        {
            if (_layers[layer] is not { } source || Length == 0)
                continue;
            using var held = source.narrow(0, 0, Length);
            copy._layers[layer] = held.clone().DetachFromDisposeScope();
        }

        copy._ids.AddRange(_ids);
        return copy;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _disposed = true;
        foreach (var layer in _layers)
            layer?.Dispose();
        Array.Clear(_layers);
        GC.SuppressFinalize(this);
    }

    /// <summary>How many of its tokens a text begins with.</summary>
    internal int SharedWith(IReadOnlyList<int> ids) => _ids.Zip(ids).TakeWhile(pair => pair.First == pair.Second).Count();

    /// <summary>A new cache of the same shape, without tokens.</summary>
    private protected abstract SequenceCache Empty();

    /// <summary>Refuses tokens that would not fit, before any work is done.</summary>
    internal void RequireRoom(int tokens)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (tokens > MaxLength - Length)
            throw new ArgumentException($"{tokens} tokens do not fit: the cache holds {Length} of at most {MaxLength}. Shorten the text, cut the cache back, or make it with a larger {nameof(CacheOptions.MaxLength)} where the model allows.");
    }

    /// <summary>Stores a layer's values of the tokens that follow <see cref="Length"/>; they count from <see cref="Advance"/> on.</summary>
    /// <param name="layer">The layer's place in the cache.</param>
    /// <param name="values">[T, width].</param>
    internal void Append(int layer, Tensor values)
    {
        var tokens = (int)values.shape[0];
        var buffer = Grow(layer, Length + tokens);
        using var place = buffer.narrow(0, Length, tokens);
        place.copy_(values).Dispose();
    }

    /// <summary>A layer's values of consecutive tokens as they are stored, [count, width]; the caller disposes the view.</summary>
    internal Tensor Read(int layer, int first, int count) => _layers[layer]!.narrow(0, first, count);

    /// <summary>Makes appended tokens count, once every layer has them.</summary>
    internal void Advance(ReadOnlySpan<int> ids) => _ids.AddRange(ids);

    private Tensor Grow(int layer, int needed)
    {
        var old = _layers[layer];
        if (old is not null && old.shape[0] >= needed)
            return old;

        var capacity = Math.Min(MaxLength, Math.Max(needed, Math.Max(FirstCapacity, (int)Math.Min(int.MaxValue, 2 * (old?.shape[0] ?? 0)))));
        var grown = empty(capacity, _width, dtype: StoredType, device: Device).DetachFromDisposeScope();
        if (old is not null && Length > 0)
        {
            using var from = old.narrow(0, 0, Length);
            using var to = grown.narrow(0, 0, Length);
            to.copy_(from).Dispose();
        }

        old?.Dispose();
        _layers[layer] = grown;
        return grown;
    }
}
