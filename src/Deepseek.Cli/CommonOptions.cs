using System.CommandLine;
using Deepseek.Inference.Models;
using Deepseek.Inference.Nano;

namespace Deepseek.Cli;

/// <summary>Options that several verbs share, each written once.</summary>
internal static class CommonOptions
{
    public static Option<string?> Model() => Path("--model", "DIR", "The model's folder, with config.json and safetensors files. Default: the embedded deepseek-nano.", "-m");

    public static Option<bool> Json() => new("--json") { Description = "JSON alone on standard output, one object a line." };

    /// <summary>Threads that compute.</summary>
    /// <param name="standard">What the verb does where nothing was given.</param>
    public static Option<int?> Threads(string? standard = null) => NumberOption.Whole("--threads", "N", $"Threads that compute. Default: {standard ?? "as many as there are processors"}.", 1, ModelOptions.MaxThreads);

    public static Option<string?> Activations() => ChoiceOption.Create(
        "--activations", $"What activations are rounded to before they meet a store's weights of 4 and 8 bits, on the CPU operations. Default: {new ModelOptions().Activations.Name()}.", ActivationPrecisions.Names);

    /// <summary>An option that names a file or a folder.</summary>
    public static Option<string?> Path(string name, string helpName, string description, params string[] aliases)
    {
        var option = new Option<string?>(name, aliases) { Description = description, HelpName = helpName, Arity = ArgumentArity.ExactlyOne };
        option.Validators.Add(result =>
        {
            if (string.IsNullOrWhiteSpace(result.Tokens[^1].Value))
                result.AddError($"{name} is empty; it must be a path.");
        });
        return option;
    }

    /// <summary>The folder that was named, or the embedded model's.</summary>
    public static string Folder(ParseResult parsed, Option<string?> model) => parsed.GetValue(model) ?? NanoModel.Folder;
}
