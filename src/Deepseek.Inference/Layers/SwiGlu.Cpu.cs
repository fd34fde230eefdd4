using Deepseek.Inference.Compute;

namespace Deepseek.Inference.Layers;

// On the CPU operations.
internal sealed partial class SwiGlu
{
    public bool Rounds(CpuEngine engine) => engine.Rounds(weights.Gate) || engine.Rounds(weights.Up);

    public unsafe void Forward(CpuPass pass)
    {
        var feedForward = pass.Engine.FeedForward;
        feedForward.Begin(pass.Engine.Normed);
        Add(pass, pass.Output);
        feedForward.Run();
        pass.Engine.Rows.AddAll(pass.Stream, pass.Output, pass.Tokens, pass.Hidden);
    }

    /// <summary>Adds this network, for all rows, to what the engine computes next.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="output">Receives [N, D].</param>
    public unsafe void Add(CpuPass pass, float* output)
    {
        const int Group = 1; // beside the routed experts' of 0
        var tokens = pass.Engine.FeedForward.Reserve(Group, pass.Tokens, weights);
        pass.Engine.FeedForward.Add(weights, Group, 0, tokens, true, pass.Tokens, output);
    }
}
