using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Deepseek.Inference.Planning;

/// <summary>What the processor calls itself.</summary>
internal static class ProcessorName
{
    // CPUID leaves of the brand string: AMD64 Architecture Programmer's Manual, volume 3, appendix E; Intel's manual, volume 2A, CPUID.
    private const uint LargestExtended = 0x8000_0000;
    private const uint FirstOfName = 0x8000_0002;
    private const uint LastOfName = 0x8000_0004;

    /// <summary>The brand string of an x86 processor; elsewhere the architecture, such as Arm64.</summary>
    public static string Read()
    {
        if (!X86Base.IsSupported || unchecked((uint)X86Base.CpuId(unchecked((int)LargestExtended), 0).Eax) < LastOfName)
            return RuntimeInformation.ProcessArchitecture.ToString();

        var registers = new int[4 * (LastOfName - FirstOfName + 1)];
        for (var leaf = FirstOfName; leaf <= LastOfName; leaf++)
        {
            var at = 4 * (leaf - FirstOfName);
            (registers[at], registers[at + 1], registers[at + 2], registers[at + 3]) = X86Base.CpuId(unchecked((int)leaf), 0);
        }

        return Text(MemoryMarshal.AsBytes(registers.AsSpan()));
    }

    /// <summary>The text up to the first 0, with single spaces: some processors fill theirs up.</summary>
    internal static string Text(ReadOnlySpan<byte> name)
    {
        var end = name.IndexOf((byte)0);
        return string.Join(' ', Encoding.ASCII.GetString(end < 0 ? name : name[..end]).Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }
}
