namespace Deepseek.Inference.Kernels;

/// <summary>The 8-bit dynamic code in which the scales of NF4 blocks are stored: a sign, a decimal exponent of variable length and a fraction, −0.993 to 1.</summary>
/// <remarks>
/// "8-Bit Approximations for Parallelism in Deep Learning", arXiv:1511.04561, as bitsandbytes@95f9af3 builds the map (functional.py, create_dynamic_map) and looks values up on CPUs
/// (csrc/cpu_ops.cpp): a value is first rounded to one of 65,536 places of [−1, 1], then takes the nearest code of that place.
/// </remarks>
public static class DynamicCode8
{
    private const int Places = 65_536;

    private static readonly float[] Map = CreateMap();
    private static readonly byte[] Nearest = CreateNearest();

    /// <summary>What each code stands for, ascending.</summary>
    public static ReadOnlySpan<float> Values => Map;

    /// <summary>The code of a value.</summary>
    /// <param name="value">−1 to 1; beyond counts as the end. NaN counts as −1.</param>
    public static byte CodeOf(float value)
    {
        value = value > -1 ? MathF.Min(value, 1) : -1;
        return Nearest[(ushort)(((value + 1f) * 0.5f * (Places - 1)) + 0.5f)];
    }

    /// <summary>Seven decades, 10⁻⁶ to 1, each with twice the fractions of the one below, at the middles of equal parts of [0.1, 1]; both signs, 0 and 1.</summary>
    private static float[] CreateMap()
    {
        List<float> values = [0f, 1f];
        for (var decade = 0; decade < 7; decade++)
        {
            var fractions = 1 << decade;
            for (var i = 0; i < fractions; i++)
            {
                var middle = (Boundary(i, fractions) + Boundary(i + 1, fractions)) / 2f;
                var value = (float)Math.Pow(10, decade - 6) * middle;
                values.Add(value);
                values.Add(-value);
            }
        }

        values.Sort();
        return [.. values];
    }

    /// <summary>As torch.linspace(0.1, 1, parts + 1) has it: from the nearer end, each rounded once.</summary>
    private static float Boundary(int index, int parts)
    {
        var step = (1f - 0.1f) / parts;
        return index < (parts + 1) / 2 ? MathF.FusedMultiplyAdd(step, index, 0.1f) : MathF.FusedMultiplyAdd(-step, parts - index, 1f);
    }

    private static byte[] CreateNearest()
    {
        var nearest = new byte[Places];
        var code = 0;
        for (var place = 0; place < Places; place++)
        {
            var value = -1f + (2f * place / (Places - 1));
            while (code < 255 && 0.5f * (Map[code] + Map[code + 1]) < value)
                code++;
            nearest[place] = (byte)code;
        }

        return nearest;
    }
}
