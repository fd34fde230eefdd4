using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>A pass on the CPU operations for a layer alone, over sequences that nothing looks at.</summary>
internal sealed class CpuPasses : IDisposable
{
    private readonly CpuEngine _engine;
    private readonly CpuPass _pass;

    public CpuPasses(int threads = 2)
    {
        _engine = new CpuEngine(threads, ActivationPrecision.Fp32);
        _pass = new CpuPass(_engine);
    }

    /// <summary>What a network adds to a residual stream of zeros.</summary>
    /// <param name="network">The network.</param>
    /// <param name="x">Its normed rows, [N, D].</param>
    /// <param name="observer">Who looks; null for nobody.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    public unsafe float[] Forward(IFeedForward network, Tensor x, IForwardObserver? observer = null, CancellationToken cancellationToken = default)
    {
        var (tokens, width) = ((int)x.shape[0], (int)x.shape[1]);
        float[] sums = [];
        Run(
            tokens,
            width,
            pass =>
            {
                new Span<float>(pass.Stream, tokens * width).Clear();
                _engine.Normed.Reserve(tokens, width, rounded: false);
                x.ToArray<float>().CopyTo(new Span<float>(_engine.Normed.Start, tokens * width));
                network.Forward(pass);
                sums = new Span<float>(pass.Stream, tokens * width).ToArray();
            },
            observer,
            cancellationToken);
        return sums;
    }

    /// <summary>A pass of one sequence; its residual stream, [N, D], holds anything.</summary>
    public void Run(int tokens, int width, Action<CpuPass> body, IForwardObserver? observer = null, CancellationToken cancellationToken = default)
    {
        using var cache = Passes.Cache();
        try
        {
            _pass.Segments.Add(cache, tokens);
            _pass.Begin(width, observer, cancellationToken);
            body(_pass);
        }
        finally
        {
            _pass.End();
        }
    }

    public void Dispose()
    {
        _engine.Dispose();
        _pass.Dispose();
    }
}
