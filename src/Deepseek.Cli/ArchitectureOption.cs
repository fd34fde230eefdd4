using System.CommandLine;
using Deepseek.Inference.Configuration;

namespace Deepseek.Cli;

/// <summary>A model's shape by its name, or by its file, for verbs that need no weights.</summary>
internal static class ArchitectureOption
{
    public const int MostLayers = 4096; // what a configuration may state

    /// <summary>The option; required where there is no default.</summary>
    public static Option<string?> Create(string description, string? standard = null)
    {
        var option = new Option<string?>("--architecture", "-a")
        {
            Description = $"{description}: {string.Join(", ", KnownModels.Names)}, or a file like config.json.{(standard is null ? "" : $" Default: {standard}.")}",
            HelpName = "NAME|FILE.json",
            Arity = ArgumentArity.ExactlyOne,
            Required = standard is null,
        };
        option.CompletionSources.Add([.. KnownModels.Names]);
        return option;
    }

    /// <summary>The shape; where it is only recalled, standard error says so.</summary>
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
