using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Checkpoints;

/// <summary>What a tensor's callback writes to: as many bytes as the header has promised, and neither seeking nor closing.</summary>
internal sealed class TensorDataStream(Stream file, SafetensorsTensor tensor) : Stream
{
    private long _written;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _written;

    public override long Position
    {
        get => _written;
        set => throw new NotSupportedException("A tensor's data are written in one pass.");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > tensor.ByteLength - _written)
            throw Wrong(_written + buffer.Length);
        file.Write(buffer);
        _written += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    public override void Flush()
    {
        // The writer flushes once, when the file is whole.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A tensor's data are only written.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A tensor's data are written in one pass.");

    public override void SetLength(long value) => throw new NotSupportedException("A tensor's data are written in one pass.");

    /// <summary>Throws if the callback wrote less than it had to.</summary>
    internal void RequireComplete()
    {
        if (_written != tensor.ByteLength)
            throw Wrong(_written);
    }

    private InvalidOperationException Wrong(long written) => new(FormattableString.Invariant(
        $"The callback of {UntrustedText.Quote(tensor.Name)} wrote {written} bytes; its type and shape need {tensor.ByteLength}."));
}
