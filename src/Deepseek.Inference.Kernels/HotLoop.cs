using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

/// <summary>How a kernel's inner loop is compiled.</summary>
internal static class HotLoop
{
    /// <summary>Well at once, and by itself.</summary>
    /// <remarks>
    /// Were it inlined, it would share the compiler's budget with all that is inlined around it. Where that runs out, wrappers of single instructions become calls, whatever they ask for: after a profile had joined all of
    /// attention to one method, a token over 4,096 positions took 1.8 times as long.
    /// </remarks>
    public const MethodImplOptions Options = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
}
