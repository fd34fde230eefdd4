using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Loads a library from bytes in memory, so that nothing is left on a disk.</summary>
[SupportedOSPlatform("linux")]
internal static partial class AnonymousLibrary
{
    /// <summary>Loads the image; the memory file may be closed at once, since the loader maps it.</summary>
    /// <exception cref="DllNotFoundException">The loader refused the image.</exception>
    /// <exception cref="Win32Exception">The system gave no memory file.</exception>
    public static nint Load(string name, ReadOnlySpan<byte> image)
    {
        var descriptor = CreateMemoryFile(name, 1 /* MFD_CLOEXEC */);
        if (descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());

        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(file, image, 0);
        return NativeLibrary.Load($"/proc/self/fd/{descriptor}");
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
