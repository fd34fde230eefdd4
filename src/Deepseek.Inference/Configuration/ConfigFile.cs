using System.Globalization;
using System.Text.Json;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Configuration;

/// <summary>Reads the bytes of a model folder's <c>config.json</c>.</summary>
internal static class ConfigFile
{
    internal const string Name = "config.json";

    /// <summary>The manifest of a page store, which holds the configuration under <see cref="StoredModel"/>.</summary>
    internal const string StoreName = "store.json";

    internal const string StoredModel = "model";

    /// <summary>The whole file.</summary>
    /// <exception cref="CheckpointFormatException">The folder or the file is missing, or the file is too large to be one.</exception>
    internal static byte[] Read(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new CheckpointFormatException(folder, null, "The folder does not exist; it must hold a model as published.");

        var path = Path.Combine(folder, Name);
        var store = Path.Combine(folder, StoreName);
        if (!File.Exists(path) && File.Exists(store))
            return ReadStored(store);
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new CheckpointFormatException(path, null, $"The file is missing; a model's folder must hold the {Name} that was published with its weights.");
        if (file.Length > ConfigLimits.FileBytes)
        {
            throw new CheckpointFormatException(path, null, string.Create(CultureInfo.InvariantCulture,
                $"The file has {file.Length} bytes; a configuration has at most {ConfigLimits.FileBytes}."));
        }

        return File.ReadAllBytes(path);
    }

    private static byte[] ReadStored(string store)
    {
        try
        {
            using var stream = File.OpenRead(store);
            using var document = JsonDocument.Parse(stream);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(StoredModel, out var model)
                ? JsonSerializer.SerializeToUtf8Bytes(model)
                : throw new CheckpointFormatException(store, StoredModel, "The model's configuration is missing; the file is no manifest of a page store, or damaged.");
        }
        catch (JsonException fault)
        {
            throw new CheckpointFormatException(store, null, "The manifest is not valid JSON; it is damaged. Fetch it again, or convert the checkpoint again into another folder.", fault);
        }
    }
}
