using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Layers;

// On the CPU operations.
internal sealed partial class ExpertRouter
{
    private ExpertSelection[] _selections = []; // one a worker
    private CpuRouting _routing = null!;
    private Action<int, int>? _choose;

    /// <summary>E and K.</summary>
    public ExpertConfig Config => config;

    public bool Rounds(CpuEngine engine) => engine.Rounds(centroids);

    /// <summary>Chooses the experts of all rows, and orders the rows by expert.</summary>
    public unsafe void Forward(CpuPass pass, int layer)
    {
        var (engine, routing) = (pass.Engine, pass.Routing);
        engine.Products.Add(centroids, engine.Normed, routing.Logits, config.RoutedCount);
        engine.Products.Run();

        _choose ??= Choose;
        if (_selections.Length == 0)
            _selections = [.. Enumerable.Range(0, engine.Team.Threads).Select(_ => new ExpertSelection(config, bias))];
        _routing = routing;
        engine.Each(pass.Tokens, _choose);
        routing.Group(layer, pass.Tokens, config.RoutedCount, config.ChosenCount);
    }

    private unsafe void Choose(int row, int worker)
    {
        var chosen = config.ChosenCount;
        _selections[worker].Choose(
            new ReadOnlySpan<float>(_routing.Logits + ((long)row * config.RoutedCount), config.RoutedCount),
            new Span<int>(_routing.Experts + ((long)row * chosen), chosen),
            new Span<float>(_routing.Weights + ((long)row * chosen), chosen));
    }
}
