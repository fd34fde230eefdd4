using System.Globalization;
using System.Text.Json;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>From a manifest's JSON to a manifest in which everything fits: names, sizes and places.</summary>
/// <remarks>What it accepts costs no more than a small multiple of the file, also later: no page belongs to two records, no byte to two tensors.</remarks>
internal static class StoreManifestParser
{
    private const int MaxRows = 1 << 28; // of BandLayout
    private const int MaxColumns = 1 << 20;

    /// <exception cref="FormatException">Something is missing or does not fit.</exception>
    /// <exception cref="Diagnostics.CheckpointFormatException">The model's configuration is at fault.</exception>
    public static StoreManifest Parse(JsonElement root, string file)
    {
        var (shards, checksums) = Shards(root);
        var tensors = root.Items("tensors").Select(tensor => Tensor(tensor, shards)).ToList();
        if (tensors.GroupBy(tensor => tensor.Name, StringComparer.Ordinal).FirstOrDefault(same => same.Skip(1).Any()) is { } twice)
            throw new FormatException($"The tensor {UntrustedText.Quote(twice.Key)} is listed twice.");
        var experts = root.Items("experts").Select(run => Experts(run, shards)).ToList();
        RequireApart(shards, tensors, experts);
        foreach (var run in experts)
            RequireRecords(run, shards[run.Shard]);
        var companions = root.Items("files").Select(Companion).ToList();
        var names = companions.Select(companion => companion.Name).Concat(shards.Select(shard => shard.File)).Append(StoreFile.Manifest);
        if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() != companions.Count + shards.Count + 1)
            throw new FormatException("Two files have one name.");

        var model = JsonSerializer.SerializeToUtf8Bytes(root.Member(ConfigFile.StoredModel));
        ModelConfig.Parse(model, file); // its faults are this file's
        var calibration = root.TryGetProperty("calibration", out var energies) ? StoreManifest.Text(Checksum(ManifestJson.Text(energies, "calibration", "must be a string"))) : null;
        return new StoreManifest(new StoreLayout(model, calibration, shards, tensors, experts), checksums, companions);
    }

    private static (List<ShardLayout> Shards, List<UInt128[]> Checksums) Shards(JsonElement root)
    {
        List<ShardLayout> shards = [];
        List<UInt128[]> checksums = [];
        foreach (var shard in root.Items("shards"))
        {
            var pages = shard.Items("pages").Select(Page).ToList();
            if (pages.Count == 0)
                throw new FormatException("A shard has no pages.");
            shards.Add(new ShardLayout(FileName(shard.Text("file")), [.. pages.Select(page => page.Length)]));
            checksums.Add([.. pages.Select(page => page.Checksum)]);
            if (shards[^1].Length != shard.Long("length"))
                throw new FormatException($"The pages of {shards[^1].File} do not add up to its length.");
        }

        return (shards, checksums);
    }

    private static StoredTensor Tensor(JsonElement json, List<ShardLayout> shards)
    {
        var name = json.Text("name");
        long[] shape = [.. json.Items("shape").Select(size => ManifestJson.Number(size, "shape"))];
        var precision = json.TryGetProperty("precision", out _) ? Precision(json) : (StorePrecision?)null;
        var type = TensorType.U8;
        // What a checkpoint's norms, biases and routers may be; models take no other.
        if (precision is null && (!TensorTypes.TryParse(json.Text("type"), out type) || type is not (TensorType.F64 or TensorType.F32 or TensorType.F16 or TensorType.BF16)))
            throw new FormatException($"The type of {UntrustedText.Quote(name)} is none of F64, F32, F16 and BF16.");
        if ((precision is not null ? shape.Length != 2 : shape.Length is < 1 or > 2) || shape[0] is < 1 or > MaxRows || (shape.Length == 2 && shape[1] is < 1 or > MaxColumns))
            throw new FormatException($"The shape of {UntrustedText.Quote(name)} is that of no matrix or vector.");

        var tensor = new StoredTensor(name, precision, type, shape, Shard(json, shards.Count), json.Long("offset"), json.Long("length"));
        var expected = precision is null ? shape.Aggregate(1L, (product, size) => product * size) * type.Size() : tensor.Layout.ByteLength;
        if (tensor.Length != expected || tensor.Offset < 0 || tensor.Offset % BandLayout.LineBytes != 0 || tensor.Offset > shards[tensor.Shard].Length - tensor.Length)
            throw new FormatException($"The place of {UntrustedText.Quote(name)} does not fit its shape or its shard.");
        return tensor;
    }

    private static StoredExperts Experts(JsonElement json, List<ShardLayout> shards)
    {
        var (layer, first, count) = (json.Whole("layer"), json.Whole("first"), json.Whole("count"));
        var (precision, inner, hidden) = (Precision(json), json.Whole("inner"), json.Whole("hidden"));
        var (shard, page) = (Shard(json, shards.Count), json.Whole("firstPage"));
        if (inner is < 1 or > MaxColumns || hidden is < 1 or > MaxColumns || !ExpertRecordLayout.Fits(precision.Layout(), inner, hidden))
            throw new FormatException(FormattableString.Invariant($"The experts of layer {layer} are {inner} by {hidden}, which no page holds."));
        if (layer < 0 || first < 0 || count < 1 || first > int.MaxValue - count || page < 0 || page > shards[shard].PageLengths.Count - count)
            throw Misplaced(layer);
        return new StoredExperts(layer, first, count, precision, inner, hidden, shard, page);
    }

    private static void RequireRecords(StoredExperts run, ShardLayout shard)
    {
        for (var page = run.FirstPage; page < run.FirstPage + run.Count; page++)
        {
            if (shard.PageLengths[page] != run.Record.Length || shard.PageOffsets[page] % ExpertRecordLayout.Alignment != 0)
                throw Misplaced(run.Layer);
        }
    }

    /// <summary>Refuses places that overlap: with few bytes a manifest could claim any amount of weights.</summary>
    private static void RequireApart(List<ShardLayout> shards, List<StoredTensor> tensors, List<StoredExperts> experts)
    {
        var places = tensors.Select(tensor => (tensor.Shard, Begin: tensor.Offset, End: tensor.Offset + tensor.Length))
            .Concat(experts.Select(run => (run.Shard, Begin: shards[run.Shard].PageOffsets[run.FirstPage], End: shards[run.Shard].PageOffsets[run.FirstPage + run.Count])))
            .Order()
            .ToList();
        for (var i = 1; i < places.Count; i++)
        {
            if (places[i].Shard == places[i - 1].Shard && places[i].Begin < places[i - 1].End)
                throw new FormatException(FormattableString.Invariant($"Two tensors or experts of {shards[places[i].Shard].File} overlap at byte {places[i].Begin}."));
        }
    }

    private static StoreCompanion Companion(JsonElement json)
    {
        var length = json.Long("length");
        return length is >= 0 and <= int.MaxValue
            ? new StoreCompanion(FileName(json.Text("name")), length, Checksum(json.Text("checksum")))
            : throw new FormatException(FormattableString.Invariant($"A file beside the shards has {length} bytes."));
    }

    private static StorePrecision Precision(JsonElement json) =>
        StorePrecisions.TryParse(json.Text("precision"), out var precision) && precision != StorePrecision.Keep
            ? precision : throw new FormatException($"The precision {UntrustedText.Quote(json.Text("precision"))} is unknown.");

    private static int Shard(JsonElement json, int count) => json.Whole("shard") is var index && index >= 0 && index < count ? index : throw new FormatException("A shard's number is out of range.");

    /// <summary>A name without a path: a manifest may not lead out of its folder.</summary>
    private static string FileName(string name) =>
        name.Length is > 0 and <= 255 && name == Path.GetFileName(name) && name is not ("." or "..") && name.IndexOfAny(['/', '\\', ':']) < 0 && !name.Any(char.IsControl)
            ? name
            : throw new FormatException($"{UntrustedText.Quote(name)} is no file's name.");

    private static (int Length, UInt128 Checksum) Page(JsonElement json)
    {
        var text = ManifestJson.Text(json, "pages", "must be of strings");
        var colon = Math.Max(0, text.IndexOf(':', StringComparison.Ordinal));
        return int.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length is > 0 and <= StorePlan.MaxPageBytes
            ? (length, Checksum(text[(colon + 1)..]))
            : throw new FormatException(FormattableString.Invariant($"A page must have 1 to {StorePlan.MaxPageBytes} bytes."));
    }

    private static UInt128 Checksum(string text) =>
        text.Length == 32 && UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var checksum)
            ? checksum : throw new FormatException("A checksum must have 32 hexadecimal digits.");

    private static FormatException Misplaced(int layer) => new(FormattableString.Invariant($"The place of layer {layer}'s experts does not fit their sizes or their shard."));
}
