using Deepseek.Inference.Configuration;
using static TorchSharp.torch;

namespace Deepseek.Inference.Caching;

/// <summary>The cache of latent attention: for every token and layer the normed latent (C) and the rotated key (R), never the expanded keys and values.</summary>
/// <remarks>DeepSeek-V2, arXiv:2405.04434, §2.1.2 and §2.1.3. R1: 512 + 64 values.</remarks>
public sealed class LatentCache : SequenceCache
{
    private readonly LatentAttentionConfig _shape;

    internal LatentCache(object owner, int layers, LatentAttentionConfig shape, int maxLength, CacheOptions options, Device device)
        : base(owner, layers, shape.LatentRank + shape.RopeHeadSize, maxLength, options, device) =>
        _shape = shape;

    private protected override int FirstPart => _shape.LatentRank;

    private protected override SequenceCache Empty() => new LatentCache(Owner, LayerCount, _shape, MaxLength, Options, Device);
}
