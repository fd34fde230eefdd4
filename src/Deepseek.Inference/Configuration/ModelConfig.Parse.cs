using System.Text;
using System.Text.Json;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Configuration;

public sealed partial record ModelConfig
{
    /// <summary>Reads the <c>config.json</c> of a model's folder.</summary>
    /// <param name="folder">A folder as published: the older form of the file or that of Transformers 5.</param>
    /// <exception cref="ArgumentException"><paramref name="folder"/> is null or empty.</exception>
    /// <exception cref="CheckpointFormatException">The file is missing, or what <see cref="Parse(ReadOnlySpan{byte}, string)"/> refuses.</exception>
    public static ModelConfig Load(string folder) => Parse(ConfigFile.Read(folder), Path.Combine(folder, ConfigFile.Name));

    /// <summary>Reads a configuration from text.</summary>
    /// <param name="json">The text of a <c>config.json</c>.</param>
    /// <param name="file">What messages call the file.</param>
    /// <inheritdoc cref="Parse(ReadOnlySpan{byte}, string)" path="/exception"/>
    public static ModelConfig Parse(string json, string file)
    {
        ArgumentNullException.ThrowIfNull(json);
        return Parse(Encoding.UTF8.GetBytes(json), file);
    }

    /// <summary>Reads a configuration from UTF-8.</summary>
    /// <param name="json">The bytes of a <c>config.json</c>.</param>
    /// <param name="file">What messages call the file.</param>
    /// <exception cref="ArgumentNullException"><paramref name="file"/> is null.</exception>
    /// <exception cref="CheckpointFormatException">
    /// The text is not JSON, the architecture is not supported, a size is impossible, or a setting asks for something that is
    /// not computed. All faults are reported at once; the subject lists their keys.
    /// </exception>
    public static ModelConfig Parse(ReadOnlySpan<byte> json, string file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (json.StartsWith(Encoding.UTF8.Preamble))
            json = json[Encoding.UTF8.Preamble.Length..];
        try
        {
            using var document = JsonDocument.Parse(json.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new CheckpointFormatException(file, null, $"The file holds {ConfigObject.Describe(document.RootElement)}; it must hold one JSON object.");

            var faults = new ConfigFaults(file);
            var config = ConfigReader.Read(new ConfigObject(document.RootElement, "", faults));
            faults.ThrowIfAny();
            return config!;
        }
        catch (JsonException e)
        {
            throw new CheckpointFormatException(file, null, FormattableString.Invariant(
                $"The file is not valid JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}); fetch it again."), e);
        }
    }
}
