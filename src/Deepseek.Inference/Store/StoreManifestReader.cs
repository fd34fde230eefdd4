using System.Globalization;
using System.Text.Json;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>Reads <c>store.json</c> and checks that everything in it fits.</summary>
internal static class StoreManifestReader
{
    private const int MaxBytes = 256 << 20; // R1's has 1 MB
    private const int MaxPageBytes = 1 << 30;

    /// <summary>Reads the manifest of a folder.</summary>
    /// <exception cref="CheckpointFormatException">There is none, it is newer than this library, damaged or not sound.</exception>
    public static StoreManifest Read(string folder)
    {
        var file = Path.Combine(folder, StoreFile.Manifest);
        if (!File.Exists(file))
            throw Absent(folder);
        if (new FileInfo(file).Length is var length && length > MaxBytes)
            throw new CheckpointFormatException(file, null, FormattableString.Invariant($"The manifest has {length} bytes; at most {MaxBytes} are allowed."));
        var bytes = File.ReadAllBytes(file);
        try
        {
            using var document = JsonDocument.Parse(bytes);
            RequireVersion(document.RootElement, file);
            if (!StoreSeal.IsSound(bytes))
                throw new CheckpointFormatException(file, "seal", "The checksum at the end is not that of the bytes before it; the manifest is damaged. Fetch it again, or convert the checkpoint again into another folder.");
            return Parse(document.RootElement, file);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException or ArgumentException)
        {
            throw new CheckpointFormatException(file, null, "The manifest is damaged: " + fault.Message + " Fetch it again, or convert the checkpoint again into another folder.", fault);
        }
    }

    /// <summary>What a folder without a manifest is told.</summary>
    private static CheckpointFormatException Absent(string folder)
    {
        if (!Directory.Exists(folder))
            return new CheckpointFormatException(folder, null, "The folder does not exist; it must hold a page store.");
        return File.Exists(Path.Combine(folder, StoreFile.Journal))
            ? new CheckpointFormatException(folder, null, "The store is not finished: its conversion was interrupted. Give the same deepseek convert command again; what is complete is kept.")
            : new CheckpointFormatException(folder, null, $"The folder has no {StoreFile.Manifest}; it is no page store. Make one with deepseek convert.");
    }

    private static void RequireVersion(JsonElement root, string file)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var format) || format.ValueKind != JsonValueKind.String || format.GetString() != StoreManifest.Format)
            throw new CheckpointFormatException(file, "format", $"The file does not call itself a \"{StoreManifest.Format}\"; it is no manifest of a page store, or damaged.");
        var version = root.GetProperty("version").GetInt32();
        if (version > StoreManifest.Version)
            throw new CheckpointFormatException(file, "version", FormattableString.Invariant($"The store is of version {version}; this library reads up to {StoreManifest.Version}. Update Deepseek.Inference, or convert the checkpoint with this one."));
        if (version < 1)
            throw new CheckpointFormatException(file, "version", FormattableString.Invariant($"The version is {version}; it must be 1 or more."));
    }

    private static StoreManifest Parse(JsonElement root, string file)
    {
        List<ShardLayout> shards = [];
        List<UInt128[]> checksums = [];
        foreach (var shard in root.GetProperty("shards").EnumerateArray())
        {
            var pages = shard.GetProperty("pages").EnumerateArray().Select(page => Page(page.GetString()!)).ToList();
            if (pages.Count == 0)
                throw new FormatException("A shard has no pages.");
            shards.Add(new ShardLayout(FileName(shard.GetProperty("file")), [.. pages.Select(page => page.Length)]));
            checksums.Add([.. pages.Select(page => page.Checksum)]);
            if (shards[^1].Length != shard.GetProperty("length").GetInt64())
                throw new FormatException($"The pages of {shards[^1].File} do not add up to its length.");
        }

        if (shards.Select(shard => shard.File).Distinct(StringComparer.OrdinalIgnoreCase).Count() != shards.Count)
            throw new FormatException("Two shards have one name.");
        var tensors = root.GetProperty("tensors").EnumerateArray().Select(tensor => Tensor(tensor, shards)).ToList();
        var experts = root.GetProperty("experts").EnumerateArray().Select(run => Experts(run, shards)).ToList();
        var companions = root.GetProperty("files").EnumerateArray().Select(companion =>
            new StoreCompanion(FileName(companion.GetProperty("name")), companion.GetProperty("length").GetInt64(), Hexadecimal(companion.GetProperty("checksum").GetString()!))).ToList();
        var model = JsonSerializer.SerializeToUtf8Bytes(root.GetProperty(ConfigFile.StoredModel));
        var calibration = root.TryGetProperty("calibration", out var energies) ? energies.GetString() : null;
        ModelConfig.Parse(model, file); // its faults are this file's
        return new StoreManifest(new StoreLayout(model, calibration, shards, tensors, experts), checksums, companions);
    }

    private static StoredTensor Tensor(JsonElement json, List<ShardLayout> shards)
    {
        var name = json.GetProperty("name").GetString()!;
        long[] shape = [.. json.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        var precision = json.TryGetProperty("precision", out var text) ? Precision(text) : (StorePrecision?)null;
        var type = TensorType.U8;
        if (precision is null && !TensorTypes.TryParse(json.GetProperty("type").GetString()!, out type))
            throw new FormatException($"The type of {UntrustedText.Quote(name)} is unknown.");
        if (precision is not null ? shape.Length != 2 : shape.Length is < 1 or > 2)
            throw new FormatException($"The shape of {UntrustedText.Quote(name)} has {shape.Length} sizes.");

        var tensor = new StoredTensor(
            name, precision, type, shape, Index(json.GetProperty("shard"), shards.Count), json.GetProperty("offset").GetInt64(), json.GetProperty("length").GetInt64());
        var expected = precision is null ? checked(shape.Aggregate(1L, (product, size) => product * size) * type.Size()) : tensor.Layout.ByteLength;
        if (shape.Any(size => size is < 1 or > int.MaxValue) || tensor.Length != expected || tensor.Offset < 0 || tensor.Offset % BandLayout.LineBytes != 0
            || tensor.Offset > shards[tensor.Shard].Length - tensor.Length)
            throw new FormatException($"The place of {UntrustedText.Quote(name)} does not fit its shape or its shard.");
        return tensor;
    }

    private static StoredExperts Experts(JsonElement json, List<ShardLayout> shards)
    {
        var run = new StoredExperts(
            json.GetProperty("layer").GetInt32(), json.GetProperty("first").GetInt32(), json.GetProperty("count").GetInt32(), Precision(json.GetProperty("precision")),
            json.GetProperty("inner").GetInt32(), json.GetProperty("hidden").GetInt32(), Index(json.GetProperty("shard"), shards.Count), json.GetProperty("firstPage").GetInt32());
        var pages = shards[run.Shard].PageLengths;
        if (run.Layer < 0 || run.First < 0 || run.Count < 1 || run.FirstPage < 0 || run.FirstPage > pages.Count - run.Count
            || Enumerable.Range(run.FirstPage, run.Count).Any(page => pages[page] != run.Record.Length || shards[run.Shard].PageOffsets[page] % ExpertRecordLayout.Alignment != 0))
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"The place of layer {run.Layer}'s experts does not fit their sizes or their shard."));
        return run;
    }

    private static StorePrecision Precision(JsonElement json) =>
        StorePrecisions.TryParse(json.GetString(), out var precision) && precision != StorePrecision.Keep ? precision : throw new FormatException($"The precision {ConfigObject.Describe(json)} is unknown.");

    private static int Index(JsonElement json, int count) => json.GetInt32() is var index && index >= 0 && index < count ? index : throw new FormatException("A shard's number is out of range.");

    /// <summary>A name without a path: a manifest may not lead out of its folder.</summary>
    private static string FileName(JsonElement json)
    {
        var name = json.GetString()!;
        return name.Length is > 0 and <= 255 && name == Path.GetFileName(name) && name is not ("." or "..") && name.IndexOfAny(['/', '\\', ':', '\0']) < 0
            ? name
            : throw new FormatException($"{UntrustedText.Quote(name)} is no file's name.");
    }

    private static (int Length, UInt128 Checksum) Page(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var length = int.Parse(text.AsSpan(0, Math.Max(0, colon)), NumberStyles.None, CultureInfo.InvariantCulture);
        return length is > 0 and <= MaxPageBytes ? (length, Hexadecimal(text[(colon + 1)..])) : throw new FormatException(FormattableString.Invariant($"A page has {length} bytes."));
    }

    private static UInt128 Hexadecimal(string text) =>
        text.Length == 32 ? UInt128.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : throw new FormatException("A checksum must have 32 hexadecimal digits.");
}
