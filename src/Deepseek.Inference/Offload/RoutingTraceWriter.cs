namespace Deepseek.Inference.Offload;

/// <summary>Records which experts decoded tokens use, token by token, to a file that <see cref="RoutingTrace.Read"/> reads.</summary>
/// <remarks>
/// Decoded tokens alone belong into a trace: a prompt passes its layers as a whole and demands each expert once. Whole tokens reach the file, some kilobytes at a time, so that a program that is killed leaves a file that can be
/// read. Not thread-safe.
/// </remarks>
public sealed class RoutingTraceWriter : IDisposable
{
    private const int BufferBytes = 1 << 14;

    private readonly RoutingTraceShape _shape;
    private readonly FileStream _file;
    private readonly byte[] _buffer;
    private readonly int _recordBytes;
    private int _filled;

    /// <summary>Begins a file.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="layers">Layers that have experts.</param>
    /// <param name="expertsPerLayer">Experts of a layer, 1 to 65,536.</param>
    /// <param name="chosen">Experts that a token uses in a layer, 1 to <paramref name="expertsPerLayer"/>.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public RoutingTraceWriter(string path, int layers, int expertsPerLayer, int chosen)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _shape = new RoutingTraceShape(layers, expertsPerLayer, chosen);
        _shape.Validate();
        _recordBytes = RoutingTraceFile.RecordBytes(_shape);
        _buffer = new byte[Math.Max(1, BufferBytes / _recordBytes) * _recordBytes];
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        try
        {
            _file.Write(RoutingTraceFile.Header(_shape));
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Tokens so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>Adds a token.</summary>
    /// <param name="experts">Its experts, layer by layer: [layers, chosen]; distinct within a layer.</param>
    /// <exception cref="ArgumentException">The experts do not fit the sizes that the trace began with.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Append(ReadOnlySpan<int> experts)
    {
        ObjectDisposedException.ThrowIf(!_file.CanWrite, this);
        if (experts.Length != _shape.Choices)
            throw new ArgumentException(FormattableString.Invariant($"The number of experts is {experts.Length}; it must be {_shape.Choices}, layers × chosen."), nameof(experts));
        if (_shape.Fault(experts) is { } fault)
            throw new ArgumentException(FormattableString.Invariant($"Token {Tokens}: {fault}"), nameof(experts));

        if (_filled == _buffer.Length)
            Flush();
        RoutingTraceFile.WriteRecord(_shape, Tokens, experts, _buffer.AsSpan(_filled, _recordBytes));
        _filled += _recordBytes;
        Tokens++;
    }

    /// <summary>Hands what was recorded to the operating system.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Flush()
    {
        var filled = _filled;
        _filled = 0; // tokens that could not be written are lost; they must not be tried again when the writer is disposed
        _file.Write(_buffer, 0, filled);
    }

    /// <summary>Writes what is left and closes the file.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Dispose()
    {
        try
        {
            if (_file.CanWrite && _filled > 0)
                Flush();
        }
        finally
        {
            _file.Dispose();
        }
    }
}
