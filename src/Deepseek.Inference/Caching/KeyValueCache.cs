using static TorchSharp.torch;

namespace Deepseek.Inference.Caching;

/// <summary>The cache of grouped-query attention: rotated keys, then values, of every key-value head.</summary>
public sealed class KeyValueCache : SequenceCache
{
    private readonly int _heads;
    private readonly int _headSize;

    internal KeyValueCache(object owner, int layers, int heads, int headSize, int maxLength, CacheOptions options, Device device)
        : base(owner, layers, 2L * heads * headSize, maxLength, options, device) =>
        (_heads, _headSize) = (heads, headSize);

    private protected override SequenceCache Empty() => new KeyValueCache(Owner, LayerCount, _heads, _headSize, MaxLength, Options, Device);
}
