using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Reading memory with nothing else to do, by threads and by how far ahead lines are asked for: what the probe takes the best of.</summary>
public unsafe class MemoryBenchmarks : IMeasured
{
    private const int Parts = 1024; // 1 GiB

    private WeightMemory _memory = null!;
    private ThreadTeam _team = null!;
    private TeamWork _reading = null!;

    public static IEnumerable<int> Counts => [.. new SortedSet<int> { 1, Environment.ProcessorCount }];

    [ParamsSource(nameof(Counts))]
    public int Threads { get; set; } = 1;

    [Params(0, 1024, 4096, 16_384)]
    public int Ahead { get; set; }

    public Work WorkOf(string method) => new((long)Parts * MachineProbes.PartBytes, Threads: Threads);

    [GlobalSetup]
    public void Take()
    {
        _memory = new WeightMemory((long)Parts * MachineProbes.PartBytes);
        _team = new ThreadTeam(Threads);
        _team.Run(Parts, new MemoryTouching(_memory.Start));
        _reading = new MemoryReading(KernelPaths.Selected, _memory.Start, Ahead, Threads);
    }

    [Benchmark]
    public void Read() => _team.Run(Parts, _reading);

    [GlobalCleanup]
    public void Dispose()
    {
        _team.Dispose();
        _memory.Dispose();
    }
}
