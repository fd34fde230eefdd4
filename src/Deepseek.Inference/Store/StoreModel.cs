using System.Buffers;
using System.Text.Json;

namespace Deepseek.Inference.Store;

/// <summary>The configuration that a store keeps: the checkpoint's, without what tells of the checkpoint rather than of the model.</summary>
internal static class StoreModel
{
    private static readonly string[] OfCheckpoints = ["quantization_config", "torch_dtype", "dtype", "transformers_version", "_name_or_path", "auto_map"];

    /// <summary>Takes the model's part out of a <c>config.json</c> that has been parsed before.</summary>
    public static byte[] From(ReadOnlyMemory<byte> config)
    {
        using var document = JsonDocument.Parse(config.Span.StartsWith(System.Text.Encoding.UTF8.Preamble) ? config[3..] : config);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var property in document.RootElement.EnumerateObject().Where(property => !OfCheckpoints.Contains(property.Name)))
                property.WriteTo(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
