using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Turns pairs of dimensions by angles that grow with the position (RoFormer, arXiv:2104.09864, §3.2).</summary>
internal sealed class RotaryEmbedding
{
    private readonly double[] _frequencies; // [d/2], radians a position
    private readonly double _magnitude;

    public RotaryEmbedding(int dimensions, double theta, RopeScaling? scaling)
    {
        _frequencies = RotaryFrequencies.Create(dimensions, theta, scaling);
        _magnitude = RotaryFrequencies.Magnitude(scaling);
    }

    /// <summary>cos and sin of all tokens' angles, each [N, d/2]; computed in double, since positions reach 163,840.</summary>
    public (Tensor Cosine, Tensor Sine) Angles(IReadOnlyList<Segment> segments, Device device)
    {
        var tokens = segments.Sum(segment => segment.Count);
        var (cosine, sine) = (new float[tokens * _frequencies.Length], new float[tokens * _frequencies.Length]);
        var at = 0;
        foreach (var segment in segments)
        {
            for (var t = 0; t < segment.Count; t++, at += _frequencies.Length)
                Write(segment.Cache.Length + t, cosine.AsSpan(at), sine.AsSpan(at));
        }

        long[] shape = [tokens, _frequencies.Length];
        return (tensor(cosine, shape, device: device), tensor(sine, shape, device: device));
    }

    /// <summary>Writes cos and sin of all rows' angles; the same numbers.</summary>
    public unsafe void WriteAngles(CpuSegments segments)
    {
        _ = segments.ReserveAngles(_frequencies.Length);
        for (var row = 0; row < segments.Tokens; row++)
        {
            var segment = segments.Of(row);
            var pairs = _frequencies.Length;
            Write(segment.Cache.Length + row - segment.First, new Span<float>(segments.Cosine(row), pairs), new Span<float>(segments.Sine(row), pairs));
        }
    }

    /// <summary>Turns the pairs (2i, 2i+1), as DeepSeek's checkpoints are laid out; x is [N, …, d].</summary>
    public static Tensor TurnInterleaved(Tensor x, ForwardPass pass)
    {
        using var scope = NewDisposeScope();
        var size = x.shape[^1];
        var (even, odd) = Turn(x.slice(-1, 0, size, 2), x.slice(-1, 1, size, 2), pass);
        return stack([even, odd], -1).flatten(-2).MoveToOuterDisposeScope();
    }

    /// <summary>Turns the pairs (i, i + d/2), as Llama's and Qwen's checkpoints are laid out; x is [N, H, d].</summary>
    public static Tensor TurnHalves(Tensor x, ForwardPass pass)
    {
        using var scope = NewDisposeScope();
        var half = x.shape[^1] / 2;
        var (first, second) = Turn(x.narrow(-1, 0, half), x.narrow(-1, half, half), pass);
        return cat([first, second], -1).MoveToOuterDisposeScope();
    }

    private static (Tensor First, Tensor Second) Turn(Tensor a, Tensor b, ForwardPass pass)
    {
        var (cos, sin) = a.dim() == 3 ? (pass.Cosine.unsqueeze(1), pass.Sine.unsqueeze(1)) : (pass.Cosine, pass.Sine);
        return (a.mul(cos).sub_(b.mul(sin)), a.mul(sin).add_(b.mul(cos), HeldScalar.One));
    }

    /// <summary>A position's angles.</summary>
    private void Write(int position, Span<float> cosine, Span<float> sine)
    {
        for (var i = 0; i < _frequencies.Length; i++)
        {
            var (sin, cos) = Math.SinCos(position * _frequencies[i]);
            cosine[i] = (float)(cos * _magnitude);
            sine[i] = (float)(sin * _magnitude);
        }
    }
}
