using Deepseek.Inference.Experts;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>A mixture of routed experts beside shared ones (DeepSeekMoE, arXiv:2401.06066, §3; arXiv:2412.19437, §2.1.2).</summary>
/// <remarks>
/// Experts are computed in the order in which they become ready; their results wait in a place of their own and are summed in the routing's order,
/// so that timing never changes a bit.
/// </remarks>
internal sealed partial class ExpertMixture(int layer, ExpertRouter router, IExpertSource source, SwiGlu? shared) : IFeedForward
{
    /// <summary>The layer's number.</summary>
    public int Layer => layer;

    public ExpertRouter Router => router;

    /// <summary>Those who guess before the layer is reached.</summary>
    public Foresight[] Foreseen { get; set; } = [];

    // N tokens, D hidden, K chosen experts of a token.
    public Tensor Forward(Tensor x, ForwardPass pass) // [N, D]
    {
        using var scope = NewDisposeScope();
        var routing = router.Forward(x, pass);
        pass.Observer?.OnRouting(layer, routing);

        var results = empty(routing.Experts.Length, x.shape[1], ScalarType.Float32, x.device); // [N·K, D]
        var places = PlacesByExpert(routing);
        int[] experts = [.. places.Keys];
        var ready = new int[experts.Length];
        using (var batch = source.Rent(Array.ConvertAll(experts, expert => new ExpertId(layer, expert)), pass.Use, pass.CancellationToken))
        {
            while (batch.Take(ready) is var count and > 0)
            {
                foreach (var index in ready.AsSpan(0, count))
                    Compute(x, batch[index], places[experts[index]], routing.Chosen, results, pass);
            }
        }

        var factors = tensor(routing.Weights, [routing.Tokens, routing.Chosen, 1], device: x.device); // [N, K, 1]
        var sum = results.view(routing.Tokens, routing.Chosen, -1).mul_(factors).sum(1); // [N, D]
        if (shared is not null)
            sum = sum.add_(shared.Forward(x, pass), HeldScalar.One);
        return sum.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        router.Dispose();
        shared?.Dispose();
    }

    /// <summary>Places in [N, K] that chose an expert, by expert, ascending.</summary>
    private static SortedDictionary<int, List<long>> PlacesByExpert(Routing routing)
    {
        SortedDictionary<int, List<long>> places = [];
        for (var i = 0; i < routing.Experts.Length; i++)
        {
            if (!places.TryGetValue(routing.Experts[i], out var list))
                places.Add(routing.Experts[i], list = []);
            list.Add(i);
        }

        return places;
    }

    private static void Compute(Tensor x, FeedForwardWeights weights, List<long> places, int chosen, Tensor results, ForwardPass pass)
    {
        using var scope = NewDisposeScope();
        var place = tensor(places, ScalarType.Int64, x.device);
        // Divided here, not by a tensor operation: TorchSharp may free the number that it makes of a divisor before libtorch has read it.
        var rows = x.shape[0] == 1 ? x : x.index_select(0, tensor([.. places.Select(at => at / chosen)], ScalarType.Int64, x.device));
        results.index_copy_(0, place, pass.Operations.SwiGlu(rows, weights));
    }
}
