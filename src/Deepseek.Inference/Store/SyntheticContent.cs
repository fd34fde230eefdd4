using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>Random weights of a model's shape, in the precisions that a conversion chooses by default.</summary>
internal sealed class SyntheticContent : IStoreContent
{
    private const float BiasDeviation = 0.02f;

    private readonly ModelConfig _config;
    private readonly long _seed;
    private readonly Func<CatalogTensor, StorePrecision> _choose;
    private readonly SyntheticBands _bands;
    private readonly SyntheticRouter? _router;
    private readonly float? _carrier;

    /// <param name="config">The model.</param>
    /// <param name="seed">The seed of the store.</param>
    /// <param name="skew">The exponent of a Zipf law; null for equal use.</param>
    /// <param name="precisions">Precisions by class of weights; null for a conversion's defaults.</param>
    public SyntheticContent(ModelConfig config, long seed, double? skew, StoreOptions? precisions = null)
    {
        (_config, _seed) = (config, seed);
        _choose = CheckpointContent.By(precisions ?? new StoreOptions(), config);
        _bands = new SyntheticBands(seed);
        _carrier = SyntheticRouter.Carrier(config, skew);
        _router = config.Experts is null ? null : new SyntheticRouter(config, seed, skew, Embeddings);
    }

    public bool Has(CatalogTensor tensor) => true;

    public StorePrecision? PrecisionOf(CatalogTensor tensor)
    {
        if (!tensor.IsWeight)
            return null;
        var chosen = _choose(tensor);
        return chosen == StorePrecision.Keep ? StorePrecision.BF16 : chosen; // there is no checkpoint to be like
    }

    public TensorType TypeOf(CatalogTensor tensor) => tensor.Part == TensorPart.SelectionBias ? TensorType.F32 : TensorType.BF16;

    public void ReadPlain(CatalogTensor tensor, Span<byte> destination)
    {
        switch (tensor.Part)
        {
            case TensorPart.Router:
                _router!.WriteRows(tensor.Layer, destination);
                break;
            case TensorPart.SelectionBias:
                MemoryMarshal.AsBytes(_router!.Bias(tensor.Layer).AsSpan()).CopyTo(destination);
                break;
            default:
                WriteVector(tensor, destination);
                break;
        }
    }

    public MatrixEncoder Encoder(CatalogTensor tensor, StorePrecision precision)
    {
        // Gate and up begin apart and keep their distance: where both had the same rows, silu(g)·g would give all tokens a common direction.
        var random = new SyntheticRandom(_seed, tensor.Name.Replace("up_proj", "gate_proj", StringComparison.Ordinal));
        var first = (uint)random.Next() + (tensor.Name.Contains("up_proj", StringComparison.Ordinal) ? 2u : 0);
        var layout = new BandLayout(precision.Layout(), (int)tensor.Shape[0], (int)tensor.Shape[1]);
        return new SyntheticEncoder(_bands, layout, WeightsOf(tensor), first, (uint)random.Next() | 1);
    }

    /// <summary>A norm of ones, or a small bias.</summary>
    private void WriteVector(CatalogTensor tensor, Span<byte> destination)
    {
        var random = new SyntheticRandom(_seed, tensor.Name);
        for (var i = 0; i < destination.Length; i += sizeof(ushort))
            SyntheticRouter.WriteBFloat16(destination[i..], tensor.Part == TensorPart.Bias ? BiasDeviation * random.NextNormal() : 1);

        // Attention would carry what all tokens share into every dimension.
        if (_carrier is not null && tensor.Name.EndsWith(".input_layernorm.weight", StringComparison.Ordinal))
            SyntheticRouter.WriteBFloat16(destination, 0);
    }

    private SyntheticWeights WeightsOf(CatalogTensor tensor)
    {
        if (tensor.Part == TensorPart.Embedding)
        {
            var deviation = (float)SyntheticStream.Embedding(_config);
            return new("embedding", deviation, _carrier * deviation);
        }

        return tensor.Name.EndsWith("o_proj.weight", StringComparison.Ordinal) || tensor.Name.EndsWith("down_proj.weight", StringComparison.Ordinal)
            ? new("writing", (float)SyntheticStream.Writing(_config, tensor.Shape[1], tensor.Part == TensorPart.RoutedExperts), WithoutFirstRow: _carrier is not null)
            : new("reading", (float)(1 / Math.Sqrt(tensor.Shape[1]))); // keeps the variance of what is multiplied
    }

    /// <summary>The embedding as the store keeps it, [vocabulary, D].</summary>
    private float[] Embeddings()
    {
        var tensor = TensorCatalog.Of(_config).First(tensor => tensor.Part == TensorPart.Embedding);
        var encoder = Encoder(tensor, PrecisionOf(tensor)!.Value);
        var rows = new float[_config.VocabularySize * _config.HiddenSize];
        for (var band = 0; band < encoder.Layout.BandCount; band++)
        {
            var encoded = new byte[encoder.Layout.BytesOf(band)];
            encoder.Encode(band, encoded);
            var count = encoder.Layout.RowsOf(band);
            Bands.Decode(encoder.Layout, band, encoded, 0, count, rows.AsSpan(band * BandLayout.BandRows * _config.HiddenSize, count * _config.HiddenSize));
        }

        return rows;
    }
}
