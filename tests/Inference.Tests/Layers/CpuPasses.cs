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
        using var cache = Passes.Cache();
        try
        {
            _pass.Segments.Add(cache, tokens);
            _pass.Begin(width, observer, cancellationToken);
            new Span<float>(_pass.Stream, tokens * width).Clear();
            _engine.Normed.Reserve(tokens, width, rounded: false);
            x.ToArray<float>().CopyTo(new Span<float>(_engine.Normed.Start, tokens * width));
            network.Forward(_pass);
            return new Span<float>(_pass.Stream, tokens * width).ToArray();
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
