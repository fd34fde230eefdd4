using System.Globalization;
using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Quantization;

/// <summary>Column energies as a safetensors file: a vector a matrix, F32 [columns], and in the metadata how many tokens it met.</summary>
internal static class ColumnEnergiesFile
{
    /// <summary>Far above any layer's width; what an array can hold.</summary>
    private const long MaxColumns = 1 << 24;

    /// <summary>Writes the matrices in their order.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, MeasuredColumns> matrices)
    {
        var tensors = matrices.Select(matrix => new SafetensorsTensor(
            matrix.Key, TensorType.F32, [matrix.Value.MeanSquares.Length], stream => stream.Write(MemoryMarshal.AsBytes(matrix.Value.MeanSquares.AsSpan()))));
        var tokens = matrices.ToDictionary(matrix => matrix.Key, matrix => matrix.Value.Tokens.ToString(CultureInfo.InvariantCulture), StringComparer.Ordinal);
        SafetensorsWriter.Write(path, [.. tensors], tokens);
    }

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="CheckpointFormatException">The file is missing or at fault.</exception>
    public static ColumnEnergies Read(string path)
    {
        using var file = SafetensorsFile.Open(path);
        if (file.Tensors.Count == 0)
            throw new CheckpointFormatException(path, null, "The file has no tensors; it must have one for every matrix that was measured. Calibrate again.");

        SortedDictionary<string, MeasuredColumns> matrices = new(StringComparer.Ordinal);
        Dictionary<string, string> firstExperts = new(StringComparer.Ordinal);
        foreach (var entry in file.Tensors.Values.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            RequireVector(entry);
            if (ColumnEnergies.ExpertsOf(entry.Name) is { } experts && !firstExperts.TryAdd(experts, entry.Name))
                RequireWidth(entry, firstExperts[experts], matrices[firstExperts[experts]].MeanSquares.Length);
            matrices.Add(entry.Name, new MeasuredColumns(Energies(file, entry), Tokens(file, entry)));
        }

        return new ColumnEnergies(matrices);
    }

    private static void RequireVector(TensorEntry entry)
    {
        if (entry.Type != TensorType.F32 || entry.Shape is not [> 0 and <= MaxColumns])
            throw Fault(entry, $"it is {entry.Type.Name()} of shape [{string.Join(", ", entry.Shape)}]; energies must be F32 of shape [columns], 1 to {MaxColumns}. The file is something else, or damaged.");
    }

    private static void RequireWidth(TensorEntry entry, string other, int columns)
    {
        if (entry.ElementCount != columns)
            throw Fault(entry, $"it has {entry.ElementCount} columns, and {UntrustedText.Show(other)} has {columns}; a layer's experts must have equally many. Calibrate again.");
    }

    private static long Tokens(SafetensorsFile file, TensorEntry entry)
    {
        if (!file.Metadata.TryGetValue(entry.Name, out var text))
            throw Fault(entry, "its number of tokens is missing from the file's metadata; without it an expert's few tokens would count as many. Calibrate again.");
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var tokens) && tokens > 0
            ? tokens
            : throw Fault(entry, $"its number of tokens is {UntrustedText.Quote(text)} in the file's metadata; it must be a whole number, 1 or more. Calibrate again.");
    }

    private static float[] Energies(SafetensorsFile file, TensorEntry entry)
    {
        var energies = new float[entry.ElementCount];
        file.Read(entry, 0, MemoryMarshal.AsBytes(energies.AsSpan()));
        var fault = Array.FindIndex(energies, energy => !(energy >= 0 && float.IsFinite(energy)));
        return fault < 0
            ? energies
            : throw Fault(entry, FormattableString.Invariant($"the energy of column {fault} is {energies[fault]}; it must be finite and 0 or more. Calibrate again."));
    }

    private static CheckpointFormatException Fault(TensorEntry entry, string reason) => new(entry.File, UntrustedText.Show(entry.Name), reason);
}
