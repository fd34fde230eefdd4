using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Deepseek.Inference.Diagnostics;

/// <summary>Settings of the OpenMP runtime that libtorch's threads run on; they count when it is loaded.</summary>
/// <remarks>
/// GNU OpenMP lets a thread that waits spin for milliseconds. Where another program has one of the cores, every one of the thousands of short
/// parallel loops of a token then waits that long: a token took 18 times as long on a busy machine. A thousand turns cover the usual wait
/// (GCC manual, libgomp, "GOMP_SPINCOUNT").
/// </remarks>
[SupportedOSPlatform("linux")]
internal static partial class OpenMpSettings
{
    private const string SpinCount = "GOMP_SPINCOUNT";

    /// <summary>Shortens the spinning, unless the user has said how threads should wait.</summary>
    public static void Apply()
    {
        if (Environment.GetEnvironmentVariable(SpinCount) is null && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
            _ = SetEnvironmentVariable(SpinCount, "1000", overwrite: 0);
    }

    // .NET keeps its variables apart from those that native code reads.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironmentVariable(string name, string value, int overwrite);
}
