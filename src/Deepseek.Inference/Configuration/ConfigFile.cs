using System.Globalization;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Configuration;

/// <summary>Reads the bytes of a model folder's <c>config.json</c>.</summary>
internal static class ConfigFile
{
    internal const string Name = "config.json";

    /// <summary>The whole file.</summary>
    /// <exception cref="CheckpointFormatException">The folder or the file is missing, or the file is too large to be one.</exception>
    internal static byte[] Read(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new CheckpointFormatException(folder, null, "The folder does not exist; it must hold a model as published.");

        var path = Path.Combine(folder, Name);
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
}
