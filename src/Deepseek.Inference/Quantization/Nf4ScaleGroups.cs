using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Quantization;

/// <summary>What the scales of a tensor share once they are quantized in turn.</summary>
/// <param name="Offset">The mean of the scales, subtracted before.</param>
/// <param name="Scales">The largest magnitude that is left in every group of <see cref="Nf4QuantizedScales.GroupSize"/> blocks.</param>
internal sealed record Nf4ScaleGroups(float Offset, float[] Scales)
{
    /// <summary>Finds both, as the reference does.</summary>
    /// <param name="magnitudes">The scale of every block.</param>
    public static Nf4ScaleGroups Of(ReadOnlySpan<float> magnitudes)
    {
        const int Group = Nf4QuantizedScales.GroupSize;
        var offset = TorchMean.Of(magnitudes);
        var scales = new float[(magnitudes.Length + Group - 1) / Group];
        for (var i = 0; i < magnitudes.Length; i++)
            scales[i / Group] = MathF.Max(scales[i / Group], MathF.Abs(magnitudes[i] - offset));
        return new Nf4ScaleGroups(offset, scales);
    }

    /// <summary>The code nearest to a scale; 0 in a group whose scales all equal the offset.</summary>
    public byte CodeOf(float scale, int block)
    {
        var group = Scales[block / Nf4QuantizedScales.GroupSize];
        return group > 0 ? DynamicCode8.CodeOf((scale - Offset) * (1 / group)) : (byte)0;
    }

    /// <summary>The scale that a block's code gives.</summary>
    public float ValueOf(byte code, int block) => Nf4QuantizedScales.Value(code, Scales[block / Nf4QuantizedScales.GroupSize], Offset);
}
