using Deepseek.Inference.Diagnostics;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>Sums the squares of the activations that meet each column of named weights.</summary>
/// <remarks>Thread-safe. The sums are in double, so that neither their number nor the cutting of a text into chunks shows.</remarks>
internal sealed class ColumnEnergiesCounter
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (double[] Squares, long Tokens)> _matrices = new(StringComparer.Ordinal);

    /// <summary>Adds what meets one or several matrices.</summary>
    /// <param name="inputs">[N, columns].</param>
    /// <param name="matrices">Matrices of as many columns.</param>
    /// <exception cref="ArgumentException">A matrix has no name.</exception>
    public void Add(Tensor inputs, params ReadOnlySpan<WeightMatrix> matrices)
    {
        foreach (var matrix in matrices)
        {
            if (matrix.Name.Length == 0)
                throw new ArgumentException($"A matrix of [{matrix.Rows}, {matrix.Columns}] has no name, under which its energies could be kept; whoever loads it must name it as its checkpoint does.", nameof(matrices));
        }

        using var scope = NewDisposeScope();
        var wide = inputs.to(ScalarType.Float32);
        var squares = wide.mul(wide).sum([0], type: ScalarType.Float64).ToArray<double>();
        lock (_lock)
        {
            foreach (var matrix in matrices)
                Add(matrix.Name, squares, inputs.shape[0]);
        }
    }

    /// <summary>The mean squares so far.</summary>
    /// <param name="location">What messages call the checkpoint.</param>
    /// <exception cref="CheckpointFormatException">A mean is not finite.</exception>
    public ColumnEnergies ToEnergies(string location)
    {
        lock (_lock)
        {
            return new ColumnEnergies(_matrices.Select(matrix =>
                KeyValuePair.Create(matrix.Key, new MeasuredColumns(Means(location, matrix.Key, matrix.Value.Squares, matrix.Value.Tokens), matrix.Value.Tokens))));
        }
    }

    private void Add(string name, double[] squares, long tokens)
    {
        var (sums, before) = _matrices.TryGetValue(name, out var known) ? known : (new double[squares.Length], 0);
        for (var column = 0; column < sums.Length; column++)
            sums[column] += squares[column];
        _matrices[name] = (sums, before + tokens);
    }

    private static float[] Means(string location, string name, double[] squares, long tokens)
    {
        var means = Array.ConvertAll(squares, square => (float)(square / tokens));
        var fault = Array.FindIndex(means, mean => !float.IsFinite(mean));
        return fault < 0
            ? means
            : throw new CheckpointFormatException(location, name, FormattableString.Invariant($"the mean square of the activations that meet column {fault} is {means[fault]}; it must be finite. A weight that comes before is damaged: fetch the checkpoint again."));
    }
}
