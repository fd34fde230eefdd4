using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Offload;

/// <summary>Which experts the layers chose for every decoded token: what the expert cache simulator replays.</summary>
/// <remarks>Immutable, hence thread-safe. docs/paging.md describes the file.</remarks>
public sealed class RoutingTrace
{
    private readonly ushort[] _choices; // [T, L, K]

    /// <summary>Takes choices over.</summary>
    internal RoutingTrace(RoutingTraceShape shape, ushort[] choices) => (Shape, _choices) = (shape, choices);

    /// <summary>Makes a trace of choices.</summary>
    /// <param name="layers">Layers that have experts.</param>
    /// <param name="expertsPerLayer">Experts of a layer, 1 to 65,536.</param>
    /// <param name="chosen">Experts that a token uses in a layer, 1 to <paramref name="expertsPerLayer"/>.</param>
    /// <param name="experts">Experts of every token, layer by layer: [tokens, layers, chosen]; distinct within a layer.</param>
    /// <exception cref="ArgumentException">The numbers or the experts do not fit.</exception>
    public RoutingTrace(int layers, int expertsPerLayer, int chosen, ReadOnlySpan<int> experts)
    {
        Shape = new RoutingTraceShape(layers, expertsPerLayer, chosen);
        Shape.Validate();
        if (experts.Length % Shape.Choices != 0)
            throw new ArgumentException(FormattableString.Invariant($"The number of experts is {experts.Length}; it must be a multiple of {Shape.Choices}, layers × chosen."), nameof(experts));

        _choices = new ushort[experts.Length];
        for (var i = 0; i < experts.Length; i += Shape.Choices)
        {
            if (Shape.Fault(experts.Slice(i, Shape.Choices)) is { } fault)
                throw new ArgumentException(FormattableString.Invariant($"Token {i / Shape.Choices}: {fault}"), nameof(experts));
        }

        for (var i = 0; i < experts.Length; i++)
            _choices[i] = (ushort)experts[i];
    }

    /// <summary>Layers that have experts.</summary>
    public int Layers => Shape.Layers;

    /// <summary>Experts of a layer.</summary>
    public int ExpertsPerLayer => Shape.ExpertsPerLayer;

    /// <summary>Experts that a token uses in a layer.</summary>
    public int Chosen => Shape.Chosen;

    /// <summary>Tokens.</summary>
    public int Tokens => _choices.Length / Shape.Choices;

    internal RoutingTraceShape Shape { get; }

    /// <summary>The experts that a token uses in a layer.</summary>
    /// <param name="token">The token, from 0.</param>
    /// <param name="layer">The layer's place among those that have experts, from 0.</param>
    public ReadOnlySpan<ushort> Experts(int token, int layer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, Tokens);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers);
        return _choices.AsSpan((token * Shape.Choices) + (layer * Chosen), Chosen);
    }

    /// <summary>Reads a file that <see cref="RoutingTraceWriter"/> wrote, and checks all of it.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointFormatException">The file is something else, cut short or damaged.</exception>
    public static RoutingTrace Read(string path) => RoutingTraceFile.Read(path);

    /// <summary>Writes the trace to a file.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string path)
    {
        using var writer = new RoutingTraceWriter(path, Layers, ExpertsPerLayer, Chosen);
        var token = new int[Shape.Choices];
        for (var i = 0; i < _choices.Length; i += token.Length)
        {
            for (var j = 0; j < token.Length; j++)
                token[j] = _choices[i + j];
            writer.Append(token);
        }
    }
}
