using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Root-mean-square normalisation with a learned gain (arXiv:1910.07467).</summary>
internal sealed class RmsNorm(Tensor weight, double epsilon) : IDisposable // weight [D], fp32
{
    public Tensor Forward(Tensor x, ForwardPass pass) => pass.Operations.RmsNorm(x, weight, epsilon);

    /// <summary>The gain, [D], fp32.</summary>
    public Tensor Weight => weight;

    /// <summary>ε.</summary>
    public double Epsilon => epsilon;

    public void Dispose() => weight.Dispose();
}
