using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Memory outside the managed heap that begins at a line, grows and is reused. Not thread-safe.</summary>
internal sealed unsafe class AlignedMemory : IDisposable
{
    private byte* _start;
    private nuint _length;

    ~AlignedMemory() => Free();

    /// <summary>At least so many bytes; what they held before may be gone.</summary>
    public byte* Reserve(nuint bytes)
    {
        if (bytes > _length)
        {
            Free();
            _start = (byte*)NativeMemory.AlignedAlloc(bytes, BandLayout.LineBytes);
            _length = bytes;
        }

        return _start;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
        _length = 0;
    }
}
