namespace Deepseek.Inference.Quantization;

/// <summary>How strongly a text drives every column of a model's weights: what <see cref="Nf4Options.ColumnImportance"/> asks for.</summary>
/// <remarks>
/// <para>The energy of a column is the mean square of the activations that meet it. If they were uncorrelated, the squared error of a product would be the sum of each weight's squared error times the
/// energy of its column.</para>
/// <para>Matrices go by their names in the checkpoint. Immutable and thread-safe.</para>
/// </remarks>
public sealed class ColumnEnergies
{
    /// <summary>As many tokens with the mean energies of its layer's experts are added to what an expert has seen itself.</summary>
    /// <remarks>
    /// Measured on deepseek-nano by the distance, in logarithms, to the energies of another text: for down_proj 16 to 32 is best after 64 to 512 tokens of text and 8 after 1,024 to 2,048;
    /// for gate_proj 64, with 16 at most 8 % behind. No fallback at all is up to twice as far off.
    /// </remarks>
    internal const int Prior = 16;

    private readonly SortedDictionary<string, MeasuredColumns> _matrices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, float[]> _layers; // of all experts, by the name without the expert's number

    /// <summary>Experts of one layer have as many columns as each other.</summary>
    internal ColumnEnergies(IEnumerable<KeyValuePair<string, MeasuredColumns>> matrices)
    {
        foreach (var (name, measured) in matrices)
            _matrices.Add(name, measured);
        _layers = _matrices
            .GroupBy(matrix => ExpertsOf(matrix.Key) ?? "", matrix => matrix.Value, StringComparer.Ordinal)
            .Where(experts => experts.Key.Length > 0)
            .ToDictionary(experts => experts.Key, Mean, StringComparer.Ordinal);
    }

    /// <summary>The matrices that tokens have met, in the ordinal order of their names.</summary>
    public IReadOnlyCollection<string> Names => _matrices.Keys;

    internal IReadOnlyDictionary<string, MeasuredColumns> Measured => _matrices;

    /// <summary>Reads energies that <see cref="Save"/> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="Diagnostics.CheckpointFormatException">The file is missing or holds something else; the subject is the matrix at fault.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ColumnEnergies Load(string path) => ColumnEnergiesFile.Read(path);

    /// <summary>Writes the energies as a safetensors file: a vector a matrix in F32, its number of tokens in the metadata, both under the matrix's name.</summary>
    /// <param name="path">The file; it appears complete or not at all, and its bytes depend on the energies alone.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) => ColumnEnergiesFile.Write(path, _matrices);

    /// <summary>How many tokens have met a matrix; of an expert, how often it was chosen.</summary>
    /// <param name="name">The matrix's name in the checkpoint.</param>
    public long TokensOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _matrices.TryGetValue(name, out var measured) ? measured.Tokens : 0;
    }

    /// <summary>The energies of a matrix's columns, [columns].</summary>
    /// <param name="name">The matrix's name in the checkpoint.</param>
    /// <returns>
    /// Finite numbers, 0 or more, not all 0; of an expert drawn towards the mean of its layer's experts by the weight of 16 tokens, and that mean itself where the expert was never chosen.
    /// Null where nothing is known: no token met the matrix, or only zeros did.
    /// </returns>
    public float[]? Of(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var measured = _matrices.GetValueOrDefault(name);
        var common = ExpertsOf(name) is { } experts ? _layers.GetValueOrDefault(experts) : null;
        var energies = common is null ? measured?.MeanSquares.ToArray() : Drawn(measured, common);
        return energies is null || Array.TrueForAll(energies, energy => energy == 0) ? null : energies;
    }

    /// <summary>The name that a layer's experts share for one projection; null where the weight is no routed expert's.</summary>
    internal static string? ExpertsOf(string name)
    {
        const string Mark = ".experts.";
        var number = name.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length;
        if (number < Mark.Length)
            return null;
        var rest = name.AsSpan(number).IndexOfAnyExceptInRange('0', '9');
        return rest > 0 && name[number + rest] == '.' ? string.Concat(name.AsSpan(0, number), name.AsSpan(number + rest)) : null;
    }

    /// <summary>(sum + prior · mean of all) / (tokens + prior).</summary>
    private static float[] Drawn(MeasuredColumns? measured, float[] common)
    {
        if (measured is null)
            return [.. common];
        var energies = new float[common.Length];
        for (var column = 0; column < energies.Length; column++)
            energies[column] = (float)((((double)measured.MeanSquares[column] * measured.Tokens) + ((double)common[column] * Prior)) / ((double)measured.Tokens + Prior));
        return energies;
    }

    /// <summary>The mean over all tokens of several matrices.</summary>
    private static float[] Mean(IEnumerable<MeasuredColumns> matrices)
    {
        double[]? sums = null;
        var tokens = 0.0;
        foreach (var measured in matrices)
        {
            sums ??= new double[measured.MeanSquares.Length];
            for (var column = 0; column < sums.Length; column++)
                sums[column] += (double)measured.MeanSquares[column] * measured.Tokens;
            tokens += measured.Tokens;
        }

        return Array.ConvertAll(sums!, sum => (float)(sum / tokens));
    }
}

/// <summary>What was measured of one matrix.</summary>
/// <param name="MeanSquares">Of the activations that met each column, [columns].</param>
/// <param name="Tokens">How many tokens did, at least 1.</param>
internal sealed record MeasuredColumns(float[] MeanSquares, long Tokens);
