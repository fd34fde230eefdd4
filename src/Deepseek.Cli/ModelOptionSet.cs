using System.CommandLine;
using Deepseek.Inference.Models;

namespace Deepseek.Cli;

/// <summary>The options that decide how a model is computed, for every verb that loads one.</summary>
internal sealed class ModelOptionSet
{
    private readonly Option<int?> _threads;
    private readonly Option<string?> _activations = CommonOptions.Activations();

    public ModelOptionSet(Command command, string? threads = null)
    {
        _threads = CommonOptions.Threads(threads);
        command.Options.Add(_threads);
        command.Options.Add(_activations);
    }

    public ModelOptions Read(ParseResult parsed)
    {
        var defaults = new ModelOptions();
        return defaults with
        {
            Threads = parsed.GetValue(_threads),
            Activations = ActivationPrecisions.TryParse(parsed.GetValue(_activations), out var precision) ? precision : defaults.Activations,
        };
    }
}
