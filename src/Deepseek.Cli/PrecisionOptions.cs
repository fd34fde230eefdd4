using System.CommandLine;
using Deepseek.Inference.Store;

namespace Deepseek.Cli;

/// <summary>The options of <c>convert</c> that choose precisions, one a class of weights.</summary>
internal sealed class PrecisionOptions
{
    private const string None = "none";

    private static readonly StoreOptions Standard = new();

    private readonly Option<string?> _experts = Create("--experts", "Routed experts", Standard.Experts);
    private readonly Option<string?> _dense = Create("--dense", "Dense feed-forwards and shared experts", Standard.Dense);
    private readonly Option<string?> _attention = Create("--attention", "Projections of attention, but for kv_b_proj", Standard.Attention);
    private readonly Option<string?> _latentUp = Create("--kv-b", "kv_b_proj of latent attention", Standard.LatentUp);
    private readonly Option<string?> _embedding = Create("--embedding", "The embedding", Standard.Embedding);
    private readonly Option<string?> _head = Create("--head", "The output head", Standard.Head);
    private readonly Option<string?> _prediction = Create("--prediction", "The multi-token-prediction layer; none leaves it out", Standard.Prediction, optional: true);

    private Option<string?>[] All => [_experts, _dense, _attention, _latentUp, _embedding, _head, _prediction];

    public void AddTo(Command command)
    {
        foreach (var option in All)
            command.Options.Add(option);
    }

    /// <summary>The first of the options that was given; null where none was.</summary>
    public string? Given(ParseResult parsed) => Array.Find(All, option => parsed.GetValue(option) is not null)?.Name;

    public StoreOptions Read(ParseResult parsed) => new()
    {
        Experts = Value(parsed, _experts, Standard.Experts)!.Value,
        Dense = Value(parsed, _dense, Standard.Dense)!.Value,
        Attention = Value(parsed, _attention, Standard.Attention)!.Value,
        LatentUp = Value(parsed, _latentUp, Standard.LatentUp)!.Value,
        Embedding = Value(parsed, _embedding, Standard.Embedding)!.Value,
        Head = Value(parsed, _head, Standard.Head)!.Value,
        Prediction = Value(parsed, _prediction, Standard.Prediction),
    };

    private static Option<string?> Create(string name, string what, StorePrecision? standard, bool optional = false)
    {
        string[] names = [.. StorePrecisions.Names, .. optional ? [None] : Array.Empty<string>()];
        var option = new Option<string?>(name)
        {
            Description = $"{what}. Default: {standard?.Name() ?? None}.",
            HelpName = "P",
            Arity = ArgumentArity.ExactlyOne,
        };
        option.CompletionSources.Add(names);
        option.Validators.Add(result =>
        {
            var value = result.Tokens[^1].Value;
            if (!names.Contains(value))
                result.AddError($"{name} is '{value}'; it must be one of {string.Join(", ", names)}.");
        });
        return option;
    }

    private static StorePrecision? Parse(string name) => StorePrecisions.TryParse(name, out var precision) ? precision : null;

    private static StorePrecision? Value(ParseResult parsed, Option<string?> option, StorePrecision? standard) => parsed.GetValue(option) switch
    {
        null => standard,
        None => null,
        var name => Parse(name),
    };
}
