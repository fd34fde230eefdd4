namespace Deepseek.Inference.Kernels;

// The definition. Every other path must equal it bit for bit.
public static partial class Nf4
{
    /// <summary>The code of a weight that was divided by its scale.</summary>
    internal static int CodeOf(float normalised)
    {
        var code = 0;
        foreach (var threshold in Thresholds)
            code += normalised > threshold ? 1 : 0;
        return code;
    }

    /// <summary>Encodes any number of weights.</summary>
    internal static void EncodeScalar(ReadOnlySpan<float> values, float inverse, Span<byte> codes)
    {
        for (var i = 0; i < values.Length; i += 2)
        {
            var low = i + 1 < values.Length ? CodeOf(values[i + 1] * inverse) : 0;
            codes[i / 2] = (byte)(CodeOf(values[i] * inverse) << 4 | low);
        }
    }

    /// <summary>Decodes any number of weights.</summary>
    internal static void DecodeScalar(ReadOnlySpan<byte> codes, float scale, Span<float> destination)
    {
        for (var i = 0; i < destination.Length; i++)
            destination[i] = Levels[(codes[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 0xF] * scale;
    }
}
