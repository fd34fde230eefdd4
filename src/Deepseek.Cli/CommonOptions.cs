using System.CommandLine;
using Deepseek.Inference.Nano;

namespace Deepseek.Cli;

/// <summary>Options that several verbs share, each written once.</summary>
internal static class CommonOptions
{
    public static Option<string?> Model() => Path("--model", "DIR", "The model's folder, with config.json and safetensors files. Default: the embedded deepseek-nano.", "-m");

    public static Option<bool> Json() => new("--json") { Description = "JSON alone on standard output, one object a line." };

    public static Option<int?> Threads() => NumberOption.Whole("--threads", "N", "Threads that compute. Default: as many as libtorch chooses.", 1, 1024);

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
