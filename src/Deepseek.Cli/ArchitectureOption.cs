using System.CommandLine;
using Deepseek.Inference.Configuration;

namespace Deepseek.Cli;

/// <summary>The option that names a model's shape, without a folder of weights.</summary>
internal static class ArchitectureOption
{
    public const int MostLayers = 4096; // what a configuration may state

    public static Option<string?> Create() => new("--architecture", "-a")
    {
        Description = $"The shape: {string.Join(", ", KnownModels.Names)}, or a file like config.json.",
        HelpName = "NAME|FILE.json",
        Arity = ArgumentArity.ExactlyOne,
    };

    /// <summary>A model by its name, or by its file.</summary>
    public static ModelConfig Read(string architecture, ToolConsole console)
    {
        if (KnownModels.Names.Contains(architecture, StringComparer.OrdinalIgnoreCase))
        {
            if (!KnownModels.IsVerified(architecture))
                console.Error.WriteLine($"note: the shape of {architecture} is recalled, not read from its published file.");
            return KnownModels.ByName(architecture);
        }

        var looksLikeFile = architecture.IndexOfAny([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar, '.']) >= 0 || File.Exists(architecture);
        return looksLikeFile
            ? ModelConfig.Parse(JsonInput.Text(architecture), architecture)
            : throw new UsageException($"--architecture is '{architecture}'; it must be one of {string.Join(", ", KnownModels.Names)}, or the path of a file like config.json.");
    }
}
