using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Quantization;

/// <summary>What a checkpoint holds of a matrix, checked: its form and the tensors of it. Of the weights nothing has been read; of NF4, the scales have.</summary>
/// <param name="Form">How the weights are kept.</param>
/// <param name="Weights">The tensor of the weights, or of their codes.</param>
/// <param name="Fp8">The scales of <see cref="MatrixForm.Fp8Block"/>; null for other forms.</param>
/// <param name="Nf4">The scales of <see cref="MatrixForm.Nf4"/>; null for other forms.</param>
internal sealed record StoredMatrix(MatrixForm Form, TensorEntry Weights, Fp8Blocks? Fp8 = null, Nf4Blocks? Nf4 = null)
{
    /// <summary>Finds a matrix and checks names, types and shapes.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="config">Its configuration, which says whether FP8 has block scales.</param>
    /// <param name="name">The weight, such as <c>model.layers.0.mlp.up_proj.weight</c>.</param>
    /// <param name="rows">Rows that the configuration asks for.</param>
    /// <param name="columns">Columns that the configuration asks for.</param>
    /// <exception cref="CheckpointFormatException">A tensor is missing or at fault.</exception>
    public static StoredMatrix Describe(ICheckpointSource source, ModelConfig config, string name, long rows, long columns)
    {
        var bitsandbytes = new BitsandbytesReader(source);
        if (bitsandbytes.Has(name))
        {
            var (codes, blockSize, scales) = bitsandbytes.Read(name, rows, columns);
            return new StoredMatrix(MatrixForm.Nf4, codes, Nf4: new Nf4Blocks(blockSize, scales));
        }

        var entry = RequiredTensor.Find(source, name, rows, columns);
        var form = FormOf(entry.Type)
            ?? throw new CheckpointFormatException(entry.File, name, $"the type is {entry.Type}; a weight must be F64, F32, F16, BF16 or FP8.");

        var scaleName = TensorNames.ScaleOf(name);
        var hasScales = source.Tensors.ContainsKey(scaleName);
        if (!hasScales && entry.Type == TensorType.F8E4M3 && config.Quantization is { Method: "fp8" })
            throw new CheckpointFormatException(entry.File, name, $"its block scales, {scaleName}, are missing; config.json's quant_method is fp8, so that the codes alone are no weights. Download the checkpoint again.");
        if (!hasScales)
            return new StoredMatrix(form, entry);
        if (config.Quantization is not { Method: "fp8" } blocks || entry.Type != TensorType.F8E4M3)
            throw new CheckpointFormatException(entry.File, name, $"it has block scales ({scaleName}), its type is {entry.Type}, and config.json's quantization is {config.Quantization?.Method ?? "absent"}; block scales belong to F8_E4M3 weights with quant_method fp8.");

        var scale = RequiredTensor.Find(source, scaleName, CeilDiv(rows, blocks.BlockRows), CeilDiv(columns, blocks.BlockColumns));
        RequiredTensor.RequireFloat(scale);
        return new StoredMatrix(MatrixForm.Fp8Block, entry, Fp8: new Fp8Blocks(scale, blocks.BlockRows, blocks.BlockColumns));
    }

    private static MatrixForm? FormOf(TensorType type) => type switch
    {
        TensorType.F64 => MatrixForm.F64,
        TensorType.F32 => MatrixForm.F32,
        TensorType.F16 => MatrixForm.F16,
        TensorType.BF16 => MatrixForm.BF16,
        TensorType.F8E4M3 => MatrixForm.Fp8E4M3,
        TensorType.F8E5M2 => MatrixForm.Fp8E5M2,
        _ => null,
    };

    private static long CeilDiv(long value, long divisor) => (value + divisor - 1) / divisor;
}

/// <summary>The scales of FP8 blocks.</summary>
/// <param name="Scales">[⌈rows / block rows⌉, ⌈columns / block columns⌉], of a float type.</param>
/// <param name="Rows">Rows of a block.</param>
/// <param name="Columns">Columns of a block.</param>
internal sealed record Fp8Blocks(TensorEntry Scales, int Rows, int Columns);

/// <summary>The scales of NF4 blocks.</summary>
/// <param name="Size">Weights of a block.</param>
/// <param name="Scales">One a block of the flattened matrix.</param>
internal sealed record Nf4Blocks(int Size, Nf4Scales Scales)
{
    /// <summary>Rows after which a block of the flattened matrix ends with a row.</summary>
    public static int RowAlignment(int blockSize, long columns)
    {
        var (divisor, rest) = (columns, (long)blockSize);
        while (rest != 0)
            (divisor, rest) = (rest, divisor % rest);
        return blockSize / (int)divisor;
    }
}
