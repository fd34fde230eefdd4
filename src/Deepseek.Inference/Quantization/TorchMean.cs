namespace Deepseek.Inference.Quantization;

/// <summary>The mean of single-precision values with the bits that torch gives on a CPU.</summary>
/// <remarks>
/// bitsandbytes takes the offset of its scales from <c>torch.mean</c>, and single-precision sums depend on their order. That of pytorch (aten/src/ATen/native/cpu/SumKernel.cpp,
/// cascade_sum over 8 lanes): four running vectors, spilled to a higher level every 2^p steps, so that errors grow with the logarithm of the count.
/// </remarks>
internal static class TorchMean
{
    private const int Lanes = 8;
    private const int Rows = 4; // vectors summed side by side
    private const int Levels = 4;

    /// <summary>The mean; NaN of no values.</summary>
    public static float Of(ReadOnlySpan<float> values)
    {
        var vectors = values.Length / Lanes;
        Span<float> lanes = stackalloc float[Lanes];
        SumVectors(values[..(vectors * Lanes)], lanes);

        var sum = 0f;
        foreach (var rest in values[(vectors * Lanes)..])
            sum += rest;
        foreach (var lane in lanes)
            sum += lane;
        return sum / values.Length;
    }

    /// <summary>Sums every lane over all vectors.</summary>
    private static void SumVectors(ReadOnlySpan<float> values, Span<float> lanes)
    {
        const int Width = Rows * Lanes;
        var steps = values.Length / Width;
        Span<float> rows = stackalloc float[Width];
        Cascade(values, steps, rows);

        lanes.Clear();
        for (var i = 0; i < Lanes; i++)
            lanes[i] = rows[i];
        for (var at = steps * Width; at < values.Length; at++)
            lanes[at % Lanes] += values[at];
        for (var at = Lanes; at < Width; at++)
            lanes[at % Lanes] += rows[at];
    }

    private static void Cascade(ReadOnlySpan<float> values, int steps, Span<float> sums)
    {
        var width = sums.Length;
        var power = Math.Max(4, steps <= 1 ? 0 : (32 - int.LeadingZeroCount(steps - 1)) / Levels);
        Span<float> levels = stackalloc float[Levels * width];
        levels.Clear();

        var step = 0;
        while (step + (1 << power) <= steps)
        {
            for (var end = step + (1 << power); step < end; step++)
                Add(values.Slice(step * width, width), levels[..width]);
            for (var level = 1; level < Levels; level++)
            {
                var lower = levels.Slice((level - 1) * width, width);
                Add(lower, levels.Slice(level * width, width));
                lower.Clear();
                if ((step & (((1 << power) - 1) << (level * power))) != 0)
                    break;
            }
        }

        for (; step < steps; step++)
            Add(values.Slice(step * width, width), levels[..width]);
        for (var level = 1; level < Levels; level++)
            Add(levels.Slice(level * width, width), levels[..width]);
        levels[..width].CopyTo(sums);
    }

    private static void Add(ReadOnlySpan<float> values, Span<float> sums)
    {
        for (var i = 0; i < values.Length; i++)
            sums[i] += values[i];
    }
}
