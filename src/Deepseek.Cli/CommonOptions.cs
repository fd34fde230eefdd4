using System.CommandLine;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Nano;
using Deepseek.Inference.Sampling;

namespace Deepseek.Cli;

/// <summary>Options that several verbs share, each written once.</summary>
internal static class CommonOptions
{
    public static Option<DirectoryInfo?> Model() => new("--model", "-m") { Description = "The model's folder, with config.json and safetensors files. Default: the embedded deepseek-nano.", HelpName = "DIR" };

    public static Option<bool> Json() => new("--json") { Description = "JSON alone on standard output, one object a line." };

    public static Option<int?> Threads() => new("--threads") { Description = "Threads that compute. Default: as many as libtorch chooses.", HelpName = "N" };

    /// <summary>The folder that was named, or the embedded model's.</summary>
    public static string Folder(ParseResult parsed, Option<DirectoryInfo?> model) => parsed.GetValue(model)?.ToString() ?? NanoModel.Folder;
}

/// <summary>The options that decide how text is generated.</summary>
internal sealed class GenerationOptionSet
{
    private readonly Option<int?> _maxNew = new("--max-new") { Description = "New tokens at most. Default: as many as the context holds.", HelpName = "N" };
    private readonly Option<double?> _temperature = new("--temperature", "-t") { Description = "0 always takes the best token; higher is freer. Default: the model's own.", HelpName = "T" };
    private readonly Option<int?> _topK = new("--top-k") { Description = "Choose among the K best tokens. Default: the model's own.", HelpName = "K" };
    private readonly Option<double?> _topP = new("--top-p") { Description = "Choose among the best tokens that together reach probability P. Default: the model's own.", HelpName = "P" };
    private readonly Option<double?> _minP = new("--min-p") { Description = "Leave out tokens less probable than this share of the best one's.", HelpName = "P" };
    private readonly Option<double?> _repetition = new("--repetition-penalty") { Description = "Above 1 makes tokens that occurred less likely.", HelpName = "F" };
    private readonly Option<long?> _seed = new("--seed") { Description = "The same seed gives the same text.", HelpName = "S" };
    private readonly Option<string[]> _stop = new("--stop") { Description = "Text that ends the reply; may be given several times.", HelpName = "TEXT" };
    private readonly Option<int?> _threads = CommonOptions.Threads();

    public GenerationOptionSet(Command command)
    {
        foreach (var option in new Option[] { _maxNew, _temperature, _topK, _topP, _minP, _repetition, _seed, _stop, _threads })
            command.Options.Add(option);
    }

    public TextOptions Read(ParseResult parsed) => new()
    {
        StopStrings = parsed.GetValue(_stop) ?? [],
        Generation = new GenerationOptions
        {
            MaxNewTokens = parsed.GetValue(_maxNew),
            Sampling = new SamplingOptions
            {
                Temperature = parsed.GetValue(_temperature),
                TopK = parsed.GetValue(_topK),
                TopP = parsed.GetValue(_topP),
                MinP = parsed.GetValue(_minP),
                RepetitionPenalty = parsed.GetValue(_repetition),
                Seed = parsed.GetValue(_seed),
            },
        },
    };

    public ModelOptions ReadModel(ParseResult parsed) => new() { Threads = parsed.GetValue(_threads) };
}
