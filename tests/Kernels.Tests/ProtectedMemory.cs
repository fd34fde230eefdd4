using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>A copy of some bytes that ends where a page begins which nobody may read, on Linux.</summary>
internal sealed unsafe partial class ProtectedMemory : IDisposable
{
    private const int None = 0;
    private const int ReadAndWrite = 3;

    private readonly byte* _pages;
    private readonly byte* _protected;

    public ProtectedMemory(ReadOnlySpan<byte> bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        var length = ((nuint)bytes.Length + page - 1) / page * page;
        _pages = (byte*)NativeMemory.AlignedAlloc(length + page, page);
        _protected = _pages + length;
        Start = _protected - bytes.Length;
        bytes.CopyTo(new Span<byte>(Start, bytes.Length));
        Protect(None);
    }

    /// <summary>The first byte.</summary>
    public byte* Start { get; }

    public void Dispose()
    {
        Protect(ReadAndWrite);
        NativeMemory.AlignedFree(_pages);
    }

    private void Protect(int access) => Assert.Equal(0, MProtect(_protected, (nuint)Environment.SystemPageSize, access));

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int MProtect(void* start, nuint length, int access);
}
