using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>A checkpoint's weights, in the precisions that somebody chose.</summary>
/// <param name="source">The checkpoint.</param>
/// <param name="config">Its configuration.</param>
/// <param name="choose">The precision of a matrix, <see cref="StorePrecision.Keep"/> among them.</param>
/// <param name="energies">How much columns count; null for all alike.</param>
internal sealed class CheckpointContent(ICheckpointSource source, ModelConfig config, Func<CatalogTensor, StorePrecision> choose, ColumnEnergies? energies) : IStoreContent
{
    /// <summary>The precisions of options: by part, and for multi-token prediction the same for all.</summary>
    public static Func<CatalogTensor, StorePrecision> By(StoreOptions options, ModelConfig config) => tensor => tensor switch
    {
        { Part: TensorPart.Router } => StorePrecision.Keep,
        { Layer: var layer } when layer >= config.LayerCount => options.Prediction ?? StorePrecision.Keep,
        { Part: TensorPart.Embedding } => config.TieWordEmbeddings ? options.Head : options.Embedding,
        { Part: TensorPart.Head } => options.Head,
        { Part: TensorPart.LatentUp } => options.LatentUp,
        { Part: TensorPart.Dense or TensorPart.SharedExperts } => options.Dense,
        { Part: TensorPart.RoutedExperts } => options.Experts,
        _ => options.Attention,
    };

    public bool Has(CatalogTensor tensor) => source.Tensors.ContainsKey(tensor.Name);

    public StorePrecision? PrecisionOf(CatalogTensor tensor)
    {
        if (tensor.Shape.Count != 2)
            return null;
        var form = StoredMatrix.Describe(source, config, tensor.Name, tensor.Shape[0], tensor.Shape[1]).Form;
        if (tensor.Part == TensorPart.Router && form is MatrixForm.F32 or MatrixForm.BF16 or MatrixForm.F16)
            return null;

        var asked = choose(tensor);
        if (form == MatrixForm.Nf4 && asked is StorePrecision.Keep or StorePrecision.Nf4 or StorePrecision.Nf4Searched)
            asked = StorePrecision.Nf4Reference; // 4 bits already: nothing is gained by quantizing them again
        var precision = asked != StorePrecision.Keep ? asked : form switch
        {
            MatrixForm.F32 => StorePrecision.F32,
            MatrixForm.F16 => StorePrecision.F16,
            MatrixForm.BF16 => StorePrecision.BF16,
            MatrixForm.Fp8E4M3 or MatrixForm.Fp8Block => StorePrecision.Fp8,
            MatrixForm.Fp8E5M2 => StorePrecision.F16, // holds every value of e5m2
            MatrixForm.Nf4 => StorePrecision.Nf4Reference,
            _ => throw new CheckpointFormatException(source.Location, tensor.Name, $"its type is {form}, which a store cannot keep as it is. Choose a precision for it, such as f32."),
        };
        if (precision is StorePrecision.Nf4Searched or StorePrecision.Nf4Reference && tensor.Shape[1] % Kernels.BandLayout.BlockColumns != 0)
        {
            throw new CheckpointFormatException(source.Location, tensor.Name, FormattableString.Invariant(
                $"its rows have {tensor.Shape[1]} columns; bitsandbytes' blocks of 64 would cross rows, which a store's do not. Choose nf4 for it, or write --format bitsandbytes."));
        }

        return precision;
    }

    public TensorType TypeOf(CatalogTensor tensor) => Entry(tensor).Type;

    public void ReadPlain(CatalogTensor tensor, Span<byte> destination) => source.Read(Entry(tensor), 0, destination);

    public MatrixEncoder Encoder(CatalogTensor tensor, StorePrecision precision)
    {
        var rows = Matrix(tensor);
        var importance = energies?.Of(tensor.Name);
        return precision switch
        {
            StorePrecision.Nf4Reference or StorePrecision.Nf4Searched => new DynamicEncoder(rows, precision == StorePrecision.Nf4Searched ? Nf4Mode.Searched : Nf4Mode.Reference, importance),
            StorePrecision.Fp8 when rows.Form == MatrixForm.Fp8Block => new Fp8Encoder(rows),
            _ => new FloatEncoder(rows, precision, importance),
        };
    }

    private MatrixRows Matrix(CatalogTensor tensor) => MatrixRows.Open(source, config, tensor.Name, tensor.Shape[0], tensor.Shape[1]);

    /// <summary>A tensor that is copied as it is.</summary>
    private TensorEntry Entry(CatalogTensor tensor)
    {
        var entry = RequiredTensor.Find(source, tensor.Name, tensor.Shape);
        RequiredTensor.RequireFloat(entry);
        return entry;
    }
}
