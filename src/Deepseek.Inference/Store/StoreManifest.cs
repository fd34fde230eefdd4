using System.Buffers;
using System.IO.Hashing;
using System.Text.Json;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Store;

/// <summary>A file that a store took over from its checkpoint.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Checksum">Checksum of its bytes.</param>
internal sealed record StoreCompanion(string Name, long Length, UInt128 Checksum);

/// <summary>The contents of <c>store.json</c>: a layout and the checksum of every page.</summary>
/// <param name="Layout">Names, places and sizes.</param>
/// <param name="Checksums">Of every shard, the checksums of its pages.</param>
/// <param name="Companions">Files taken over.</param>
/// <remarks>
/// Everything but the last 32 hexadecimal digits is covered by them: a checksum of the bytes before. So a damaged manifest is known as such, and never taken for damaged pages. docs/store-format.md describes the file.
/// </remarks>
internal sealed record StoreManifest(StoreLayout Layout, IReadOnlyList<UInt128[]> Checksums, IReadOnlyList<StoreCompanion> Companions)
{
    /// <summary>What the file calls itself.</summary>
    public const string Format = "deepseek page store";

    /// <summary>The version that this library writes and reads. In version 1, before any release, tiles of 4 bits had 4 rows, one line after the other.</summary>
    public const int Version = 2;

    /// <summary>Of a page, and of everything else: XXH128 of its bytes.</summary>
    public static UInt128 Checksum(ReadOnlySpan<byte> bytes) => XxHash128.HashToUInt128(bytes);

    /// <summary>A checksum as files and messages show it.</summary>
    public static string Text(UInt128 checksum) => checksum.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The file's bytes.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteNumber("version", Version);
            WriteLayout(json, Layout);
            WriteShards(json);
            json.WriteStartArray("files");
            foreach (var companion in Companions)
            {
                json.WriteStartObject();
                json.WriteString("name", companion.Name);
                json.WriteNumber("length", companion.Length);
                json.WriteString("checksum", Text(companion.Checksum));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return StoreSeal.Seal(buffer.WrittenSpan);
    }

    /// <summary>The layout alone, in a form that is equal where layouts are.</summary>
    public static byte[] ToJson(StoreLayout layout)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteLayout(json, layout);
            foreach (var shard in layout.Shards)
            {
                json.WriteStartArray(shard.File);
                foreach (var length in shard.PageLengths)
                    json.WriteNumberValue(length);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteLayout(Utf8JsonWriter json, StoreLayout layout)
    {
        json.WritePropertyName(ConfigFile.StoredModel);
        using (var model = JsonDocument.Parse(layout.Model))
            model.RootElement.WriteTo(json);
        if (layout.Calibration is { } calibration)
            json.WriteString("calibration", calibration);

        json.WriteStartArray("tensors");
        foreach (var tensor in layout.Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            if (tensor.Precision is { } precision)
                json.WriteString("precision", precision.Name());
            else
                json.WriteString("type", tensor.Type.Name());
            json.WriteStartArray("shape");
            foreach (var size in tensor.Shape)
                json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteNumber("shard", tensor.Shard);
            json.WriteNumber("offset", tensor.Offset);
            json.WriteNumber("length", tensor.Length);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("experts");
        foreach (var experts in layout.Experts)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", experts.Layer);
            json.WriteNumber("first", experts.First);
            json.WriteNumber("count", experts.Count);
            json.WriteString("precision", experts.Precision.Name());
            json.WriteNumber("inner", experts.Inner);
            json.WriteNumber("hidden", experts.Hidden);
            json.WriteNumber("shard", experts.Shard);
            json.WriteNumber("firstPage", experts.FirstPage);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteShards(Utf8JsonWriter json)
    {
        json.WriteStartArray("shards");
        for (var i = 0; i < Layout.Shards.Count; i++)
        {
            var shard = Layout.Shards[i];
            json.WriteStartObject();
            json.WriteString("file", shard.File);
            json.WriteNumber("length", shard.Length);
            json.WriteStartArray("pages");
            for (var page = 0; page < shard.PageLengths.Count; page++)
                json.WriteStringValue(FormattableString.Invariant($"{shard.PageLengths[page]}:{Text(Checksums[i][page])}"));
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
