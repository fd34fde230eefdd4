using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>What a store is filled with: a checkpoint's weights, or random ones.</summary>
/// <remarks>Thread-safe. The same content gives the same bytes, whatever the order and the threads.</remarks>
internal interface IStoreContent
{
    /// <summary>Whether a tensor is there; those of a multi-token-prediction layer may be absent.</summary>
    bool Has(CatalogTensor tensor);

    /// <summary>How a matrix is kept; never <see cref="StorePrecision.Keep"/>. Null where it stays as it is, a plain tensor.</summary>
    StorePrecision? PrecisionOf(CatalogTensor tensor);

    /// <summary>The elements' type of a plain tensor.</summary>
    TensorType TypeOf(CatalogTensor tensor);

    /// <summary>Fills a plain tensor's bytes.</summary>
    void ReadPlain(CatalogTensor tensor, Span<byte> destination);

    /// <summary>What encodes a matrix.</summary>
    MatrixEncoder Encoder(CatalogTensor tensor, StorePrecision precision);
}

/// <summary>Encodes the bands of one matrix.</summary>
/// <remarks>Thread-safe; a band's bytes do not depend on which bands were encoded before.</remarks>
internal abstract class MatrixEncoder(BandLayout layout)
{
    public BandLayout Layout { get; } = layout;

    /// <summary>Writes a band: exactly its <see cref="BandLayout.BytesOf"/> bytes.</summary>
    public abstract void Encode(int band, Span<byte> destination);
}
