using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Compute;

/// <summary>What products read: the rows of some tokens in fp32, and rounded where a matrix meets rounded activations.</summary>
internal sealed unsafe class CpuInput(CpuEngine engine) : IDisposable
{
    private readonly CpuBuffer _floats = new();
    private readonly PreparedActivations _rounded = new();

    /// <summary>Rows.</summary>
    public int Tokens { get; private set; }

    /// <summary>Numbers of a row.</summary>
    public int Columns { get; private set; }

    /// <summary>The first row in fp32.</summary>
    public float* Start { get; private set; }

    /// <summary>The rows rounded; null where no matrix asks for them.</summary>
    public PreparedActivations? Rounded { get; private set; }

    /// <summary>Makes room for rows in fp32.</summary>
    /// <param name="tokens">Rows.</param>
    /// <param name="columns">Numbers of a row.</param>
    /// <param name="rounded">Whether there is room for rounded ones, too.</param>
    public void Reserve(int tokens, int columns, bool rounded)
    {
        (Tokens, Columns) = (tokens, columns);
        Start = _floats.Reserve((long)tokens * columns);
        Rounded = rounded ? _rounded : null;
        if (rounded)
            _rounded.Reserve(tokens, columns, engine.Activations);
    }

    /// <summary>A row in fp32.</summary>
    public float* Row(int token) => Start + ((long)token * Columns);

    /// <summary>Rounds a row that has been written in fp32. Different threads may round different ones.</summary>
    public void Round(int token) => Rounded?.PrepareTokens(Row(token), Columns, token, 1);

    public void Dispose()
    {
        _floats.Dispose();
        _rounded.Dispose();
    }
}
