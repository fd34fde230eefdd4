using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>A store that is to be written: its layout, and what fills every page.</summary>
/// <param name="Layout">Names, places and sizes.</param>
/// <param name="Pages">Of every shard, its pages.</param>
internal sealed record StorePlan(StoreLayout Layout, IReadOnlyList<IReadOnlyList<StorePage>> Pages)
{
    /// <summary>The shard with what every token uses.</summary>
    public const string ResidentFile = "resident.safetensors";

    /// <summary>The shard with what the multi-token-prediction layers use beside experts.</summary>
    public const string PredictionFile = "prediction.safetensors";

    /// <summary>The longest page that a store may have, in bytes: experts are not divided.</summary>
    public const int MaxPageBytes = 1 << 30;

    private const int PageBytes = 4 << 20; // long enough to read at a disk's speed, short enough to check and to mend alone

    /// <summary>Lays a model out.</summary>
    /// <param name="config">The model.</param>
    /// <param name="model">Its configuration as the store keeps it.</param>
    /// <param name="content">What fills it.</param>
    /// <param name="prediction">Whether multi-token-prediction layers are part of it.</param>
    /// <param name="calibration">A checksum of the column energies; null for none.</param>
    /// <param name="parts">Shards that the experts of a layer are divided into.</param>
    public static StorePlan Create(ModelConfig config, ReadOnlyMemory<byte> model, IStoreContent content, bool prediction, string? calibration = null, int parts = 1)
    {
        var builder = new Builder(content, parts);
        var tensors = TensorCatalog.Of(config).ToList();
        builder.AddResident(ResidentFile, tensors);
        builder.AddExperts(tensors);
        for (var index = 0; prediction && index < config.MultiTokenPredictionLayers; index++)
        {
            // What the layer shares with the model may be left out of a checkpoint; without its joint projection it is not there at all.
            tensors = [.. TensorCatalog.PredictionOf(config, index).Where(tensor => tensor.Part is not (TensorPart.Embedding or TensorPart.Head) || content.Has(tensor))];
            if (!content.Has(tensors.Single(tensor => tensor.Part == TensorPart.Joint)))
                break;
            builder.AddResident(index == 0 ? PredictionFile : FormattableString.Invariant($"prediction-{index}.safetensors"), tensors);
            builder.AddExperts(tensors);
        }

        return new StorePlan(new StoreLayout(model, calibration, builder.Shards, builder.Tensors, builder.Experts), builder.Pages);
    }

    private sealed class Builder(IStoreContent content, int parts)
    {
        public List<ShardLayout> Shards { get; } = [];

        public List<IReadOnlyList<StorePage>> Pages { get; } = [];

        public List<StoredTensor> Tensors { get; } = [];

        public List<StoredExperts> Experts { get; } = [];

        /// <summary>A shard with all but routed experts.</summary>
        public void AddResident(string file, IEnumerable<CatalogTensor> tensors)
        {
            List<SafetensorsTensor> entries = [];
            List<StorePage> pages = [];
            List<StoredTensor> stored = [];
            long offset = 0;
            foreach (var tensor in tensors.Where(tensor => tensor.Part != TensorPart.RoutedExperts))
            {
                if (content.PrecisionOf(tensor) is { } precision)
                {
                    var layout = new BandLayout(precision.Layout(), (int)tensor.Shape[0], (int)tensor.Shape[1]);
                    stored.Add(new(tensor.Name, precision, TensorType.U8, tensor.Shape, Shards.Count, offset, layout.ByteLength));
                    entries.Add(Bytes(tensor.Name, layout.ByteLength));
                    AddBands(pages, layout, new Lazy<MatrixEncoder>(() => content.Encoder(tensor, precision)));
                    offset += layout.ByteLength;
                }
                else
                {
                    var entry = new SafetensorsTensor(tensor.Name, content.TypeOf(tensor), tensor.Shape, _ => { });
                    stored.Add(new(tensor.Name, null, entry.Type, tensor.Shape, Shards.Count, offset, entry.ByteLength));
                    entries.Add(entry);
                    if (entry.ByteLength > MaxPageBytes - BandLayout.LineBytes)
                        throw TooLong(tensor.Name);
                    var padding = (int)(-entry.ByteLength & (BandLayout.LineBytes - 1));
                    if (padding > 0) // safetensors allow no gaps
                        entries.Add(Bytes($"padding.{tensor.Name}", padding));
                    pages.Add(new PlainPage(content, tensor, checked((int)entry.ByteLength), checked((int)entry.ByteLength + padding)));
                    offset += entry.ByteLength + padding;
                }
            }

            var header = AddShard(file, entries, pages);
            Tensors.AddRange(stored.Select(tensor => tensor with { Offset = tensor.Offset + header }));
        }

        /// <summary>Shards for every layer with routed experts.</summary>
        public void AddExperts(IEnumerable<CatalogTensor> tensors)
        {
            foreach (var layer in tensors.Where(tensor => tensor.Part == TensorPart.RoutedExperts).GroupBy(tensor => tensor.Layer))
            {
                var matrices = layer.ToList(); // gate, up and down of every expert in turn
                var (inner, hidden) = ((int)matrices[0].Shape[0], (int)matrices[0].Shape[1]);
                var precision = content.PrecisionOf(matrices[0])!.Value;
                if (matrices.Find(matrix => content.PrecisionOf(matrix) != precision) is { } other)
                    throw new CheckpointFormatException(other.Name, null, $"its precision would be {content.PrecisionOf(other)?.Name()}, that of {matrices[0].Name} {precision.Name()}; the experts of a layer must have one. Choose a precision for the experts.");
                if (!ExpertRecordLayout.Fits(precision.Layout(), inner, hidden))
                    throw TooLong(matrices[0].Name);
                var count = matrices.Count / 3;
                var divided = Math.Min(parts, count);
                for (var part = 0; part < divided; part++)
                {
                    var (first, end) = (part * count / divided, (part + 1) * count / divided);
                    AddRun(
                        FormattableString.Invariant($"experts-{layer.Key:D3}{(divided == 1 ? "" : $"-{part}")}.safetensors"),
                        new StoredExperts(layer.Key, first, end - first, precision, inner, hidden, Shards.Count, FirstPage: 1), matrices);
                }
            }
        }

        /// <summary>A shard with consecutive experts of a layer.</summary>
        private void AddRun(string file, StoredExperts experts, List<CatalogTensor> matrices)
        {
            List<SafetensorsTensor> entries = [];
            List<StorePage> pages = [];
            for (var expert = experts.First; expert < experts.First + experts.Count; expert++)
            {
                entries.Add(Bytes(TensorNames.Layer(experts.Layer, FormattableString.Invariant($"mlp.experts.{expert}")), experts.Record.Length));
                pages.Add(new RecordPage(content, experts.Record, experts.Precision, matrices[3 * expert], matrices[(3 * expert) + 1], matrices[(3 * expert) + 2]));
            }

            Experts.Add(experts);
            AddShard(file, entries, pages);
        }

        private int AddShard(string file, List<SafetensorsTensor> entries, List<StorePage> pages)
        {
            var header = SafetensorsWriter.CreateHeader(entries, null, ExpertRecordLayout.Alignment);
            pages.Insert(0, new HeaderPage(header));
            Shards.Add(new ShardLayout(file, [.. pages.Select(page => page.Length)]));
            Pages.Add(pages);
            return header.Length;
        }

        private static void AddBands(List<StorePage> pages, BandLayout layout, Lazy<MatrixEncoder> encoder)
        {
            var perPage = Math.Max(1, PageBytes / layout.BytesOf(0));
            for (var band = 0; band < layout.BandCount; band += perPage)
                pages.Add(new BandsPage(encoder, layout, band, Math.Min(perPage, layout.BandCount - band)));
        }

        private static CheckpointFormatException TooLong(string name) => new(name, null, FormattableString.Invariant(
            $"its page would be longer than {MaxPageBytes} bytes, the most that a store's page may have. Choose a precision of fewer bits."));

        private static SafetensorsTensor Bytes(string name, long length) => new(name, TensorType.U8, [length], _ => { });
    }
}
