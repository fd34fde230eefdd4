using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Loads a library from bytes in memory, so that nothing is left on a disk.</summary>
[SupportedOSPlatform("linux")]
internal static class AnonymousLibrary
{
    /// <summary>Loads the image; the memory file may be closed at once, since the loader maps it.</summary>
    /// <exception cref="DllNotFoundException">The loader refused the image.</exception>
    /// <exception cref="Win32Exception">The system gave no memory file.</exception>
    public static nint Load(string name, ReadOnlySpan<byte> image)
    {
        using var file = MemoryFile.Create(name) ?? throw new Win32Exception(Marshal.GetLastPInvokeError());
        RandomAccess.Write(file, image, 0);
        return NativeLibrary.Load($"/proc/self/fd/{file.DangerousGetHandle()}");
    }
}
