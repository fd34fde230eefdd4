namespace Deepseek.Inference.Kernels;

// The definition. Every other path must equal it bit for bit.
internal static unsafe partial class FloatProducts
{
    private static void MultiplyScalar(float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        for (var t = 0; t < tokens; t++)
        {
            for (var r = 0; r < rows; r++)
                y[(t * yStride) + r] = DotScalar(weights + (r * weightStride), x + (t * xStride), columns);
        }
    }

    private static float DotScalar(float* weights, float* x, int columns)
    {
        var sums = stackalloc float[Lanes];
        new Span<float>(sums, Lanes).Clear();
        for (var c = 0; c < columns; c++)
            sums[c % Lanes] = MathF.FusedMultiplyAdd(x[c], weights[c], sums[c % Lanes]);

        for (var half = Lanes / 2; half > 0; half /= 2)
        {
            for (var l = 0; l < half; l++)
                sums[l] += sums[l + half];
        }

        return sums[0];
    }

    private static void MultiplyTransposedScalar(float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        for (var t = 0; t < tokens; t++)
        {
            for (var r = 0; r < rows; r++)
            {
                for (var c = 0; c < columns; c++)
                    y[(t * yStride) + c] = MathF.FusedMultiplyAdd(x[(t * xStride) + r], weights[(r * weightStride) + c], y[(t * yStride) + c]);
            }
        }
    }
}
