using System.CommandLine;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;

namespace Deepseek.Cli;

/// <summary>The options that decide how text is generated.</summary>
internal sealed class GenerationOptionSet
{
    private readonly Option<int?> _maxNew = NumberOption.Whole("--max-new", "N", "New tokens at most. Default: as many as the context holds.", 1);
    private readonly Option<double?> _temperature = NumberOption.Real("--temperature", "T", "0 always takes the best token; higher is freer. Default: the model's own.", "-t");
    private readonly Option<int?> _topK = NumberOption.Whole("--top-k", "K", "Choose among the K best tokens; 0 for all. Default: the model's own.", 0);
    private readonly Option<double?> _topP = NumberOption.Real("--top-p", "P", "Choose among the best tokens that together reach probability P. Default: the model's own.");
    private readonly Option<double?> _minP = NumberOption.Real("--min-p", "P", "Leave out tokens less probable than this share of the best one's.");
    private readonly Option<double?> _repetition = NumberOption.Real("--repetition-penalty", "F", "Above 1 makes tokens that occurred less likely.");
    private readonly Option<long?> _seed = NumberOption.Whole("--seed", "S", "The same seed gives the same text.");
    private readonly Option<string[]> _stop = new("--stop") { Description = "Text that ends the reply; may be given several times.", HelpName = "TEXT", Arity = ArgumentArity.OneOrMore };
    private readonly ModelOptionSet _model;

    public GenerationOptionSet(Command command, ToolConsole console)
    {
        foreach (var option in new Option[] { _maxNew, _temperature, _topK, _topP, _minP, _repetition, _seed, _stop })
            command.Options.Add(option);
        _model = new ModelOptionSet(command, console);
        _stop.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.Length == 0))
                result.AddError("--stop is empty; it must have at least one character.");
        });
    }

    /// <exception cref="UsageException">A value is out of its range.</exception>
    public TextOptions Read(ParseResult parsed)
    {
        var sampling = new SamplingOptions
        {
            Temperature = parsed.GetValue(_temperature),
            TopK = parsed.GetValue(_topK),
            TopP = parsed.GetValue(_topP),
            MinP = parsed.GetValue(_minP),
            RepetitionPenalty = parsed.GetValue(_repetition),
            Seed = parsed.GetValue(_seed),
        };
        try
        {
            sampling.Validate();
        }
        catch (ArgumentException fault)
        {
            throw new UsageException(fault.Message);
        }

        return new TextOptions
        {
            StopStrings = parsed.GetValue(_stop) ?? [],
            Generation = new GenerationOptions { MaxNewTokens = parsed.GetValue(_maxNew), Sampling = sampling },
        };
    }

    public ModelOptions ReadModel(ParseResult parsed) => _model.Read(parsed);
}
