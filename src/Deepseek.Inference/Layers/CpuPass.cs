using Deepseek.Inference.Compute;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>A pass on the CPU operations: N rows of several sequences, and memory that is kept from pass to pass.</summary>
/// <remarks>Whoever runs a pass holds the engine's gate.</remarks>
internal sealed unsafe class CpuPass(CpuEngine engine) : IDisposable
{
    private readonly CpuBuffer _stream = new();
    private readonly CpuBuffer _output = new();

    /// <summary>What computes.</summary>
    public CpuEngine Engine => engine;

    /// <summary>The sequences, in the order of their rows.</summary>
    public CpuSegments Segments { get; } = new();

    /// <summary>Sees what the layers produce; null where nobody looks.</summary>
    public IForwardObserver? Observer { get; private set; }

    /// <summary>Asked between layers and before experts are waited for.</summary>
    public CancellationToken CancellationToken { get; private set; }

    /// <summary>What experts are rented for.</summary>
    public ExpertUse Use { get; private set; }

    /// <summary>N.</summary>
    public int Tokens => Segments.Tokens;

    /// <summary>D.</summary>
    public int Hidden { get; private set; }

    /// <summary>The residual stream, [N, D].</summary>
    public float* Stream { get; private set; }

    /// <summary>What a layer's part gives, [N, D].</summary>
    public float* Output { get; private set; }

    /// <summary>Queries that have been compressed and normed.</summary>
    public CpuInput Compressed { get; } = new(engine);

    /// <summary>A pair of rows side by side, as the prediction layer reads them.</summary>
    public CpuInput Joined { get; } = new(engine);

    /// <summary>Rows normed as a later layer would, to guess what it will choose.</summary>
    public CpuInput Foreseen { get; } = new(engine);

    /// <summary>What products give to attention.</summary>
    public CpuBuffer Queries { get; } = new();

    /// <summary>What else they give.</summary>
    public CpuBuffer Keys { get; } = new();

    /// <summary>Routing and results of experts.</summary>
    public CpuRouting Routing { get; } = new();

    /// <summary>Begins a pass of the sequences that have been added.</summary>
    public void Begin(int hidden, IForwardObserver? observer, CancellationToken cancellationToken)
    {
        (Hidden, Observer, CancellationToken) = (hidden, observer, cancellationToken);
        var longest = 0;
        foreach (var segment in Segments.List)
            longest = Math.Max(longest, segment.Count);
        Use = ForwardPass.UseOf(longest);
        observer?.OnPass(longest);
        Stream = _stream.Reserve((long)Tokens * hidden);
        Output = _output.Reserve((long)Tokens * hidden);
    }

    /// <summary>Forgets the sequences, who looks, and what a pass that failed had begun.</summary>
    public void End()
    {
        engine.Products.Clear();
        Segments.Clear();
        (Observer, CancellationToken) = (null, default);
    }

    /// <summary>Norms the residual stream.</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="rounded">Whether rounded rows are read.</param>
    public void Norm(RmsNorm norm, bool rounded)
    {
        engine.Normed.Reserve(Tokens, Hidden, rounded);
        engine.Rows.Norm(Stream, Hidden, norm.Weight, norm.Epsilon, engine.Normed);
    }

    /// <summary>Shows rows, [N, D], to who looks.</summary>
    public void Observe(int index, float* rows)
    {
        if (Observer is not { NeedsHidden: true })
            return;

        using var tensor = NativeTensor.Over((nint)rows, ScalarType.Float32, [Tokens, Hidden]);
        Observer.OnHidden(index, tensor);
    }

    public void Dispose()
    {
        foreach (var memory in (IDisposable[])[Segments, _stream, _output, Compressed, Joined, Foreseen, Queries, Keys, Routing])
            memory.Dispose();
    }
}
