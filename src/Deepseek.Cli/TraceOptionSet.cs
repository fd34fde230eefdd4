using System.CommandLine;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Offload;

namespace Deepseek.Cli;

/// <summary>Which routing is replayed: a recorded one, or one that is made up.</summary>
internal sealed class TraceOptionSet
{
    private const double StandardSkew = 0.5;
    private const double StandardStay = 0.3;

    private readonly Option<string?> _trace = CommonOptions.Path("--trace", "FILE", "A recorded routing. Default: a made-up one.");
    private readonly Option<string?> _law = ChoiceOption.Create(
        "--synthetic", "The law of a made-up routing: all experts alike; some more than others; or as zipf, with experts that stay for some tokens. Default: zipf.", ["uniform", "zipf", "markov"]);

    private readonly Option<double?> _skew = NumberOption.Real("--skew", "S", FormattableString.Invariant($"The exponent of the Zipf law, 0 to 4. Default: {StandardSkew}."), 0, 4);
    private readonly Option<double?> _stay = NumberOption.Real("--stay", "P", FormattableString.Invariant($"With which probability an expert stays for the next token, 0 to 1, with --synthetic markov. Default: {StandardStay}."), 0, 1);
    private readonly Option<int?> _tokens = NumberOption.Whole("--tokens", "N", $"Tokens of a made-up routing. Default: {new SyntheticTraceOptions().Tokens}.", 1, 1_000_000);
    private readonly Option<long?> _seed = NumberOption.Whole("--seed", "N", "What the random numbers follow from. Default: 0.");

    public TraceOptionSet(Command command)
    {
        foreach (var option in new Option[] { _trace, _law, _skew, _stay, _tokens, _seed })
            command.Options.Add(option);
    }

    /// <summary>What the random numbers follow from.</summary>
    public long Seed(ParseResult parsed) => parsed.GetValue(_seed) ?? 0;

    /// <summary>Refuses options that contradict one another, before any work.</summary>
    public void Check(ParseResult parsed)
    {
        var law = parsed.GetValue(_law);
        if (parsed.GetValue(_trace) is not null)
        {
            foreach (var (name, isGiven) in new[] { ("--synthetic", law is not null), ("--skew", parsed.GetValue(_skew) is not null), ("--stay", parsed.GetValue(_stay) is not null), ("--tokens", parsed.GetValue(_tokens) is not null) })
            {
                if (isGiven)
                    throw new UsageException($"--trace and {name} are both given; a recorded routing has its own tokens and no law.");
            }
        }

        if (parsed.GetValue(_skew) is { } skew && law == "uniform")
            throw new UsageException(FormattableString.Invariant($"--skew is {skew}; it must be left out with --synthetic uniform."));
        if (parsed.GetValue(_stay) is { } stay && law != "markov")
            throw new UsageException(FormattableString.Invariant($"--stay is {stay}; it must be left out without --synthetic markov."));
    }

    /// <summary>Reads or makes the routing, and says in words what it is.</summary>
    public (RoutingTrace Trace, string Description) Read(ParseResult parsed, ExpertConfig experts, int layers)
    {
        if (parsed.GetValue(_trace) is { } path)
            return (RoutingTrace.Read(path), path);

        var (law, skew, stay) = (parsed.GetValue(_law) ?? "zipf", parsed.GetValue(_skew) ?? StandardSkew, parsed.GetValue(_stay) ?? StandardStay);
        var options = new SyntheticTraceOptions
        {
            Layers = layers,
            ExpertsPerLayer = experts.RoutedCount,
            Chosen = experts.ChosenCount,
            Tokens = parsed.GetValue(_tokens) ?? new SyntheticTraceOptions().Tokens,
            Skew = law == "uniform" ? 0 : skew,
            Stay = law == "markov" ? stay : 0,
            Seed = Seed(parsed),
        };
        return (SyntheticTrace.Create(options), law switch
        {
            "uniform" => "uniform routing",
            "zipf" => FormattableString.Invariant($"Zipf routing, exponent {skew}"),
            _ => FormattableString.Invariant($"Markov routing, exponent {skew}, stay {stay}"),
        });
    }
}
