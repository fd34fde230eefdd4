using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Experts;

namespace Deepseek.Inference.Layers;

// On the CPU operations.
internal sealed partial class ExpertRouter
{
    private ExpertSelection[] _selections = []; // one a worker
    private CpuRouting _routing = null!;
    private Action<int, int>? _choose;
    private bool[]? _present; // [E]
    private bool[] _isPresent = []; // the same, or empty where it is of no account
    private double _preference;

    /// <summary>E and K.</summary>
    public ExpertConfig Config => config;

    public bool Rounds(CpuEngine engine) => engine.Rounds(centroids);

    /// <summary>Chooses the experts of all rows, and orders the rows by expert.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="source">Where the experts come from: decoded tokens may lean towards what it has in memory.</param>
    public unsafe void Forward(CpuPass pass, int layer, IExpertSource source)
    {
        var (engine, routing) = (pass.Engine, pass.Routing);
        (_preference, _isPresent) = (pass.Use == ExpertUse.Decode ? source.Preference : 0, []);
        if (_preference > 0)
        {
            _isPresent = _present ??= new bool[config.RoutedCount];
            source.MarkPresent(layer, _present);
        }

        engine.Products.Add(centroids, engine.Normed, routing.Logits, config.RoutedCount);
        engine.Products.Run();

        _choose ??= Choose;
        RequireSelections(engine);
        _routing = routing;
        engine.Each(pass.Tokens, _choose);
        routing.Group(layer, pass.Tokens, config.RoutedCount, config.ChosenCount);
    }

    /// <summary>Chooses experts as this router would if attention changed nothing.</summary>
    /// <param name="pass">The pass, at the end of an earlier layer.</param>
    /// <param name="norm">What the layer norms its input with.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="guessed">Receives N·K experts, of a row those that count most first.</param>
    public unsafe void Guess(CpuPass pass, RmsNorm norm, int layer, Span<ExpertId> guessed)
    {
        var (engine, routing, chosen) = (pass.Engine, pass.Routing, config.ChosenCount);
        routing.Reserve(pass.Tokens, config.RoutedCount, chosen, pass.Hidden, shared: false);
        pass.Foreseen.Reserve(pass.Tokens, pass.Hidden, Rounds(engine));
        engine.Rows.Norm(pass.Stream, pass.Hidden, norm.Weight, norm.Epsilon, pass.Foreseen);
        engine.Products.Add(centroids, pass.Foreseen, routing.Logits, config.RoutedCount);
        engine.Products.Run();

        RequireSelections(engine);
        (_routing, _isPresent) = (routing, []);
        for (var row = 0; row < pass.Tokens; row++)
        {
            Choose(row, worker: 0);
            var experts = new Span<int>(routing.Experts + ((long)row * chosen), chosen);
            var weights = new Span<float>(routing.Weights + ((long)row * chosen), chosen);
            weights.Sort(experts);
            for (var i = 0; i < chosen; i++)
                guessed[(row * chosen) + i] = new ExpertId(layer, experts[chosen - 1 - i]);
        }
    }

    private void RequireSelections(CpuEngine engine)
    {
        if (_selections.Length == 0)
            _selections = [.. Enumerable.Range(0, engine.Team.Threads).Select(_ => new ExpertSelection(config, bias))];
    }

    private unsafe void Choose(int row, int worker)
    {
        var chosen = config.ChosenCount;
        _selections[worker].Choose(
            new ReadOnlySpan<float>(_routing.Logits + ((long)row * config.RoutedCount), config.RoutedCount),
            new Span<int>(_routing.Experts + ((long)row * chosen), chosen),
            new Span<float>(_routing.Weights + ((long)row * chosen), chosen), _isPresent, _preference);
    }
}
