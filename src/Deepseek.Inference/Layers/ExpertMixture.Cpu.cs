using Deepseek.Inference.Compute;

namespace Deepseek.Inference.Layers;

// On the CPU operations.
internal sealed partial class ExpertMixture
{
    public bool Rounds(CpuEngine engine) => engine.RoundsAny;

    /// <summary>Computes the experts that are ready while others are awaited; results are added in the routing's order.</summary>
    public unsafe void Forward(CpuPass pass)
    {
        var (engine, routing, config) = (pass.Engine, pass.Routing, router.Config);
        routing.Reserve(pass.Tokens, config.RoutedCount, config.ChosenCount, pass.Hidden, shared is not null);
        router.Forward(pass, layer, source);
        foreach (var foresight in Foreseen)
            foresight.Judge(routing);
        Observe(pass);

        var feedForward = engine.FeedForward;
        using (var batch = source.Rent(routing.Distinct, pass.Use, pass.CancellationToken))
        {
            for (var began = false; batch.Take(routing.Ready) is var count and > 0; began = true)
            {
                feedForward.Begin(engine.Normed);
                if (!began)
                    _ = feedForward.Reserve(0, pass.Tokens * config.ChosenCount, batch[routing.Ready[0]]);

                // Those with few tokens wait for memory, those with many, as the shared one has, for arithmetic: workers claim from either end, so both at once.
                routing.SortReady(count);
                foreach (var index in routing.Ready[..count])
                {
                    var (first, places) = routing.PlacesOf(routing.Distinct[index].Index);
                    feedForward.Add(batch[index], 0, first, routing.Rows + first, places == 1, places, routing.Results);
                }

                if (!began)
                    shared?.Add(pass, routing.Shared);
                feedForward.Run();
            }
        }

        engine.Rows.Sum(pass.Stream, pass.Tokens, pass.Hidden, new ExpertSum(config.ChosenCount, routing.Results, routing.Places, routing.Weights, routing.Shared));
    }

    private unsafe void Observe(CpuPass pass)
    {
        if (pass.Observer is null)
            return;

        var places = pass.Tokens * router.Config.ChosenCount;
        pass.Observer.OnRouting(layer, new Routing(
            new ReadOnlySpan<int>(pass.Routing.Experts, places).ToArray(), new ReadOnlySpan<float>(pass.Routing.Weights, places).ToArray(), router.Config.ChosenCount));
    }
}
