using System.Runtime.InteropServices;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Caching;

/// <summary>What a model remembers of one sequence: some values for every token and layer.</summary>
/// <remarks>
/// Not thread-safe: one forward pass at a time may use a cache. Different caches of one model may be used at once.
/// A pass that fails or is cancelled leaves the cache as it was, and usable.
/// </remarks>
public abstract partial class SequenceCache : IDisposable
{
    private const int FirstCapacity = 256;

    private readonly Tensor?[] _layers; // each [capacity, width]
    private readonly Tensor?[] _scales; // of whole numbers, each [capacity, 2]: the latent's and the rotated key's
    private readonly List<int> _ids = [];
    private readonly long _width;
    private bool _disposed;

    private protected SequenceCache(object owner, int layers, long width, int maxLength, CacheOptions options, Device device)
    {
        Owner = owner;
        _layers = new Tensor?[layers];
        _scales = new Tensor?[layers];
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
    public long ByteSize => _layers.Concat(_scales).Sum(layer => layer is null ? 0 : layer.numel() * layer.element_size());

    /// <summary>Tokens for which memory has been taken.</summary>
    internal int Capacity => (int)(_layers[0]?.size(0) ?? 0);

    internal CacheOptions Options { get; }

    /// <summary>What made the cache: only it may use it.</summary>
    internal object Owner { get; }

    private protected Device Device { get; }

    internal int LayerCount => _layers.Length;

    private ScalarType StoredType => Options.Precision switch
    {
        CachePrecision.BFloat16 => ScalarType.BFloat16,
        CachePrecision.Float16 => ScalarType.Float16,
        CachePrecision.Int16 => ScalarType.Int16,
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
    public SequenceCache Copy() => Copy(Length);

    /// <summary>A cache of its own with the first tokens, for another continuation of the same beginning.</summary>
    /// <param name="length">Tokens to copy, 0 to <see cref="Length"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative or above <see cref="Length"/>.</exception>
    public SequenceCache Copy(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (length < 0 || length > Length)
            throw new ArgumentOutOfRangeException(nameof(length), length, $"The cache holds {Length} tokens; the first 0 to {Length} of them can be copied.");
        var copy = Empty();
        for (var layer = 0; layer < _layers.Length; layer++)
        {
            copy._layers[layer] = Held(_layers[layer], length);
            copy._scales[layer] = Held(_scales[layer], length);
        }

        copy._ids.AddRange(_ids.Take(length));
        return copy;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _disposed = true;
        foreach (var layer in _layers.Concat(_scales))
            layer?.Dispose();
        Array.Clear(_layers);
        Array.Clear(_scales);
        GC.SuppressFinalize(this);
    }

    /// <summary>How many of its tokens a text begins with.</summary>
    internal int SharedWith(IReadOnlyList<int> ids) => _ids.Zip(ids).TakeWhile(pair => pair.First == pair.Second).Count();

    /// <summary>How many of its tokens a text begins with.</summary>
    internal int CommonBeginning(ReadOnlySpan<int> ids) => CollectionsMarshal.AsSpan(_ids).CommonPrefixLength(ids);

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
        Reserve(layer, tokens);
        if (Options.Precision == CachePrecision.Int16)
        {
            AppendWhole(layer, values);
            return;
        }

        using var place = _layers[layer]!.narrow(0, Length, tokens);
        place.copy_(values).Dispose();
    }

    /// <summary>A layer's values of consecutive tokens, [count, width], as they are stored, or of whole numbers in fp32; the caller disposes them.</summary>
    internal Tensor Read(int layer, int first, int count) =>
        Options.Precision == CachePrecision.Int16 ? ReadWhole(layer, first, count) : _layers[layer]!.narrow(0, first, count);

    /// <summary>Makes appended tokens count, once every layer has them.</summary>
    internal void Advance(ReadOnlySpan<int> ids) => _ids.AddRange(ids);

    /// <summary>Makes room for the tokens that follow <see cref="Length"/>.</summary>
    internal void Reserve(int layer, int tokens)
    {
        var (old, needed) = (_layers[layer], Length + tokens);
        if (old is not null && old.size(0) >= needed)
            return;

        var capacity = Math.Min(MaxLength, Math.Max(needed, Math.Max(FirstCapacity, (int)Math.Min(int.MaxValue, 2 * (old?.size(0) ?? 0)))));
        // The rows last: their capacity tells whether there is room, also where memory ran out between the two.
        if (Options.Precision == CachePrecision.Int16)
            _scales[layer] = Grown(_scales[layer], capacity, 2, ScalarType.Float32);
        _layers[layer] = Grown(old, capacity, _width, StoredType);
    }

    private Tensor Grown(Tensor? old, int capacity, long width, ScalarType type)
    {
        var grown = empty(capacity, width, dtype: type, device: Device).DetachFromDisposeScope();
        if (Device.type == DeviceType.CPU)
            HugePages.Ask(grown.Address(), grown.numel() * grown.element_size());
        if (old is not null && Length > 0)
        {
            using var from = old.narrow(0, 0, Length);
            using var to = grown.narrow(0, 0, Length);
            to.copy_(from).Dispose();
        }

        old?.Dispose();
        return grown;
    }

    private static Tensor? Held(Tensor? source, int length)
    {
        if (source is null || length == 0)
            return null;
        using var held = source.narrow(0, 0, length);
        return held.clone().DetachFromDisposeScope();
    }
}
