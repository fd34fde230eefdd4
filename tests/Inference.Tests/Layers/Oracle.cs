using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>The layers' mathematics for one token in double precision, written without tensors.</summary>
internal static class Oracle
{
    public static double[] RmsNorm(double[] x, float[] gain, double epsilon)
    {
        var root = Math.Sqrt((x.Sum(value => value * value) / x.Length) + epsilon);
        return [.. x.Zip(gain, (value, factor) => value / root * factor)];
    }

    public static double[] SwiGlu(double[] x, FeedForwardWeights weights)
    {
        var gated = Linear(x, weights.Gate).Zip(Linear(x, weights.Up), (gate, up) => gate / (1 + Math.Exp(-gate)) * up).ToArray();
        return Linear(gated, weights.Down);
    }

    public static double[] Linear(double[] x, WeightMatrix weight)
    {
        using var wide = weight.Widen();
        var values = wide.ToArray<float>();
        var result = new double[weight.Rows];
        for (var row = 0; row < result.Length; row++)
        {
            for (var column = 0; column < x.Length; column++)
                result[row] += x[column] * values[(row * x.Length) + column];
        }

        return result;
    }
}
