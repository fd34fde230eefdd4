using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>Writes one file of a 4-bit checkpoint.</summary>
/// <remarks>
/// The file has the tensors by descending type, then by name, as huggingface/safetensors writes them (safetensors/src/tensor.rs, prepare, and the order of Dtype): so scales of scales come before
/// all codes, and the header tells the length of every state's text. A first pass over all of the file's weights finds those, a second writes.
/// </remarks>
internal sealed class BitsandbytesShard(
    ICheckpointSource source, ModelConfig config, Nf4Mode mode, Action<string, long> done, CancellationToken cancellationToken)
{
    private const int CopyBytes = 1 << 20;
    private const int BatchBytes = 16 << 20;

    private static readonly TensorType[] AscendingTypes =
    [
        TensorType.Bool, TensorType.U8, TensorType.I8, TensorType.F8E5M2, TensorType.F8E4M3, TensorType.F8E8M0, TensorType.I16, TensorType.U16, TensorType.F16, TensorType.BF16,
        TensorType.I32, TensorType.U32, TensorType.F32, TensorType.F64, TensorType.I64, TensorType.U64,
    ];

    private static readonly byte[] LevelBytes = MemoryMarshal.AsBytes(Nf4.Levels).ToArray();
    private static readonly byte[] ScaleValueBytes = MemoryMarshal.AsBytes(DynamicCode8.Values).ToArray();

    /// <summary>Writes the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="items">What it holds.</param>
    /// <returns>The names of its tensors, and their bytes.</returns>
    public (IReadOnlyList<string> Names, long Bytes) Write(string path, IReadOnlyList<BitsandbytesItem> items)
    {
        List<SafetensorsTensor> tensors = [];
        foreach (var item in items)
        {
            if (item.IsQuantized)
                tensors.AddRange(Quantize(item));
            else
                tensors.Add(new SafetensorsTensor(item.Entry.Name, item.Entry.Type, item.Entry.Shape, stream => Copy(item, stream)));
        }

        tensors = [.. tensors.OrderByDescending(tensor => Array.IndexOf(AscendingTypes, tensor.Type)).ThenBy(tensor => tensor.Name, StringComparer.Ordinal)];
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
        return ([.. tensors.Select(tensor => tensor.Name)], tensors.Sum(tensor => tensor.ByteLength));
    }

    private SafetensorsTensor[] Quantize(BitsandbytesItem item)
    {
        var (name, shape) = (item.Entry.Name, item.Entry.Shape);
        var rows = MatrixRows.Open(source, config, name, shape[0], shape[1]);
        var quantizer = Nf4MatrixQuantizer.Prepare(rows, new Nf4Options { BlockSize = BitsandbytesPlan.BlockSize, Mode = mode }, cancellationToken);
        done(name, item.SourceBytes / 2);

        var state = BitsandbytesConfig.State(BitsandbytesConfig.DataType(item.Entry.Type, config), rows.Rows, rows.Columns, quantizer.Offset);
        byte[] scaleCodes = []; // between their making, with the codes, and their writing, right after
        return
        [
            new(name, TensorType.U8, [(item.Entry.ElementCount + 1) / 2, 1], stream =>
            {
                scaleCodes = WriteCodes(rows, quantizer, stream);
                done(name, item.SourceBytes - (item.SourceBytes / 2));
            }),
            new($"{name}.absmax", TensorType.U8, [quantizer.BlockCount], stream =>
            {
                stream.Write(scaleCodes);
                scaleCodes = [];
            }),
            new($"{name}.nested_absmax", TensorType.F32, [quantizer.GroupScales.Length], MemoryMarshal.AsBytes<float>(quantizer.GroupScales).ToArray()),
            new($"{name}.nested_quant_map", TensorType.F32, [DynamicCode8.Values.Length], ScaleValueBytes),
            new($"{name}.quant_map", TensorType.F32, [Nf4.Levels.Length], LevelBytes),
            new($"{name}.quant_state.bitsandbytes__nf4", TensorType.U8, [state.Length], state),
        ];
    }

    private byte[] WriteCodes(MatrixRows rows, Nf4MatrixQuantizer quantizer, Stream stream)
    {
        var scaleCodes = new byte[quantizer.BlockCount];
        var batch = (int)Math.Min(rows.Rows, Math.Max(1, BatchBytes * 2L / rows.Columns / quantizer.SliceRows) * quantizer.SliceRows);
        var codes = new byte[(((long)batch * rows.Columns) + 1) / 2];
        for (var first = 0; first < rows.Rows; first += batch)
        {
            var count = Math.Min(batch, rows.Rows - first);
            var (start, weights) = ((long)first * rows.Columns, (long)count * rows.Columns);
            var written = codes.AsMemory(0, (int)((weights + 1) / 2));
            var blocks = scaleCodes.AsMemory((int)(start / BitsandbytesPlan.BlockSize), (int)((weights + BitsandbytesPlan.BlockSize - 1) / BitsandbytesPlan.BlockSize));
            quantizer.Encode(first, count, written, blocks, cancellationToken);
            stream.Write(written.Span);
        }

        return scaleCodes;
    }

    private void Copy(BitsandbytesItem item, Stream stream)
    {
        var buffer = new byte[Math.Min(CopyBytes, item.Entry.ByteLength)];
        for (var at = 0L; at < item.Entry.ByteLength; at += buffer.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, item.Entry.ByteLength - at));
            source.Read(item.Entry, at, part);
            stream.Write(part);
        }

        done(item.Entry.Name, item.SourceBytes);
    }
}
