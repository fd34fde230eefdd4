namespace Deepseek.Inference.Kernels;

/// <summary>Writes a byte of every page of parts of memory: a page that nobody has written is no memory yet, and reading it measures nothing.</summary>
/// <param name="start">The first part.</param>
internal sealed unsafe class MemoryTouching(byte* start) : TeamWork
{
    /// <summary>The smallest page that a system has.</summary>
    public const int PageBytes = 4096;

    public override void Run(int item, int worker)
    {
        var part = start + ((long)item * MachineProbes.PartBytes);
        for (var at = 0; at < MachineProbes.PartBytes; at += PageBytes)
            part[at] = 1;
    }
}
